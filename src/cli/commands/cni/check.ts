import {
  attachmentFlags,
  attachmentOf,
  cacheFlags,
  directoryFlags,
  pluginFlags,
  runtimeOf,
  warnOf,
} from "../../cni.ts";
import { defineCommand } from "../../command.ts";
import { one } from "../../flag.ts";
import { jsonText } from "../../format.ts";

export const command = defineCommand({
  summary: "Ask a CNI network's plugins whether an attachment is as it was made",
  details:
    "Fails with what the first plugin that is not content says. A network may disable the question (`disableCheck`).",
  arguments: {
    network: one("NETWORK", "Name of the network"),
    namespace: one("NETNS", "The container's network namespace: its path, or its name in /run/netns"),
  },
  flags: { ...attachmentFlags, ...directoryFlags, ...pluginFlags, ...cacheFlags },
  examples: [{ line: "portolan cni check front blue", meaning: "what `portolan cni add front blue` attached" }],
  async run(values, context) {
    const runtime = await runtimeOf(values, context);
    const { network, unusable } = runtime.network(values.network);
    warnOf(unusable, context);
    const attachment = attachmentOf(values.namespace, values);
    const asked = await runtime.check(network, attachment, { signal: context.signal });
    const { output } = context;
    if (values.format === "json") output.line(jsonText({ network: network.name, asked, problem: null }));
    else output.line(asked ? "as it was made" : "not asked: the network disables CHECK");
  },
});
