import type { Added } from "../../../cni/runtime/index.ts";
import {
  attachmentFlags,
  attachmentOf,
  cacheFlags,
  capabilityFlags,
  directoryFlags,
  pluginFlags,
  runtimeOf,
  warnOf,
  withCapabilities,
} from "../../cni.ts";
import { defineCommand } from "../../command.ts";
import { on, one } from "../../flag.ts";

export const command = defineCommand({
  summary: "Attach a container to a CNI network",
  details:
    "Executes the network's plugins in their order, as libcni does, and remembers the result where libcni finds it. What plugins did before one of them failed is deleted again.",
  arguments: {
    network: one("NETWORK", "Name of the network, as its configuration says"),
    namespace: one("NETNS", "The container's network namespace: its path, or its name in /run/netns"),
  },
  flags: {
    ...attachmentFlags,
    ...capabilityFlags,
    keepFailed: on("--keep-failed", "Leave what plugins did before one of them failed"),
    ...directoryFlags,
    ...pluginFlags,
    ...cacheFlags,
  },
  examples: [
    { line: "portolan cni add front blue", meaning: "attach what `ip netns add blue` made" },
    {
      line: "portolan cni add --container-id web --port 8080:80/tcp front /proc/4242/ns/net",
      meaning: "a process's namespace, with a published port",
    },
  ],
  async run(values, context) {
    const runtime = await runtimeOf(values, context);
    const { network, unusable } = runtime.network(values.network);
    warnOf(unusable, context);
    const attachment = withCapabilities(attachmentOf(values.namespace, values), network, values);
    const { keepFailed } = values;
    const added = await runtime.add(network, attachment, { keepFailed, signal: context.signal });
    const { output } = context;
    if (values.format === "json") output.line(added.text);
    else for (const line of resultLines(added, attachment.interfaceName)) output.line(line);
  },
});

/** A line an address. */
function resultLines({ result }: Added, interfaceName: string): readonly string[] {
  if (result.ips.length === 0) return [interfaceName];
  return result.ips.map(({ address, gateway, interface: at }) => {
    const name = (at === undefined ? undefined : result.interfaces[at]?.name) ?? interfaceName;
    return `${name} ${address}${gateway === undefined ? "" : ` by ${gateway}`}`;
  });
}
