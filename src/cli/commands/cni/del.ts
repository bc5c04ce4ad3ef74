import type { AttachmentRequest, CniRuntime, NetworkConfiguration } from "../../../cni/runtime/index.ts";
import { isPortolanError } from "../../../errors.ts";
import {
  attachmentFlags,
  attachmentOf,
  cacheFlags,
  directoryFlags,
  pluginFlags,
  runtimeOf,
  warnOf,
} from "../../cni.ts";
import { type Context, defineCommand } from "../../command.ts";
import { one, optional } from "../../flag.ts";
import { jsonText } from "../../format.ts";

export const command = defineCommand({
  summary: "Detach a container from a CNI network",
  details:
    "Executes the network's plugins in reverse. What is not given is as it was at `cni add`: namespace, arguments, published ports; the whole network where no file holds it any more. No failure where the container is not attached.",
  arguments: {
    network: one("NETWORK", "Name of the network"),
    namespace: optional("NETNS", "The container's network namespace: its path, or its name in /run/netns"),
  },
  flags: { ...attachmentFlags, ...directoryFlags, ...pluginFlags, ...cacheFlags },
  examples: [
    { line: "portolan cni del front blue", meaning: "what `portolan cni add front blue` attached" },
    {
      line: "portolan cni del --container-id web front",
      meaning: "a container that is gone, and its namespace with it",
    },
  ],
  async run(values, context) {
    const runtime = await runtimeOf(values, context);
    const attachment = attachmentOf(values.namespace, values);
    const network = networkFor(runtime, values.network, attachment, context);
    await runtime.del(network, attachment, { signal: context.signal });
    const { containerId, interfaceName } = attachment;
    if (values.format === "json")
      context.output.line(jsonText({ deleted: { network: network.name, containerId, interfaceName } }));
  },
});

/** The network as a file holds it, else as it was when the attachment was made. */
function networkFor(
  runtime: CniRuntime,
  name: string,
  attachment: AttachmentRequest,
  context: Context,
): NetworkConfiguration {
  try {
    const { network, unusable } = runtime.network(name);
    warnOf(unusable, context);
    return network;
  } catch (error) {
    const former = runtime.networkOf(name, attachment);
    if (!isPortolanError(error) || former === undefined) throw error;
    context.output.note(`portolan: ${error.message}; taking it as it was at ADD`);
    return former;
  }
}
