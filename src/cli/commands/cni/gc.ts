import type { Attachment, Collected } from "../../../cni/runtime/index.ts";
import { cacheFlags, directoryFlags, pluginFlags, runtimeOf, warnOf } from "../../cni.ts";
import { defineCommand } from "../../command.ts";
import { list, on, one } from "../../flag.ts";
import { jsonText } from "../../format.ts";
import { UsageError } from "../../usage-error.ts";

export const command = defineCommand({
  summary: "Delete what a CNI network has of attachments that are no longer valid",
  details:
    "Detaches every attachment that the cache has and that is not said to be valid, then tells the plugins which are (GC, from version 1.1.0 on). Goes on through failures and tells all of them.",
  arguments: { network: one("NETWORK", "Name of the network") },
  flags: {
    valid: list("--valid ID:IFNAME", "An attachment that stays: a container's id, and the interface in it"),
    all: on("--all", "No attachment is valid: detach all of them"),
    ...directoryFlags,
    ...pluginFlags,
    ...cacheFlags,
  },
  examples: [
    { line: "portolan cni gc --valid web:eth0 --valid db:eth0 front", meaning: "all but these two" },
    { line: "portolan cni gc --all front", meaning: "everything, after a start of the machine" },
  ],
  async run(values, context) {
    const valid = values.valid.map(readValid);
    if (values.all && valid.length > 0)
      throw new UsageError("--all says that no attachment is valid, and --valid that some are");
    if (!values.all && valid.length === 0) {
      throw new UsageError(
        "no attachment is said to be valid",
        "name those that stay by --valid, or say --all to detach all of them",
      );
    }
    const runtime = await runtimeOf(values, context);
    const { network, unusable } = runtime.network(values.network);
    warnOf(unusable, context);
    const collected = await runtime.gc(network, values.all ? "none" : valid, { signal: context.signal });
    const { output } = context;
    if (values.format === "json") output.line(jsonText(jsonOf(collected)));
    else for (const { containerId, interfaceName } of collected.deleted) output.line(`${containerId}:${interfaceName}`);
  },
});

function jsonOf({ deleted, told }: Collected): object {
  return { deleted: deleted.map(({ containerId, interfaceName }) => ({ containerId, interfaceName })), told };
}

function readValid(text: string): Attachment {
  const [containerId = "", interfaceName = "", ...more] = text.split(":");
  if (containerId === "" || interfaceName === "" || more.length > 0) {
    throw new UsageError(`--valid takes ID:IFNAME, not "${text}"`);
  }
  return { containerId, interfaceName };
}
