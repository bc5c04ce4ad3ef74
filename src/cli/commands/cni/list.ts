import { readResult } from "../../../cni/protocol/result.ts";
import type { CachedAttachment, CacheListing, Directories } from "../../../cni/runtime/index.ts";
import { cacheFlags, directoryFlags, runtimeOf, warnOf } from "../../cni.ts";
import { type Context, defineCommand } from "../../command.ts";
import { on } from "../../flag.ts";
import { jsonText } from "../../format.ts";
import { tableLines } from "../../table.ts";

export const command = defineCommand({
  summary: "List CNI networks, or what is attached to them",
  details:
    "Networks stand in the order in which a name is looked for. Files that cannot be used are told beside them, and attachments are what the cache has.",
  arguments: {},
  flags: { attachments: on("--attachments", "List attachments"), ...directoryFlags, ...cacheFlags },
  examples: [
    { line: "portolan cni list", meaning: "networks, with their files and plugins" },
    { line: "portolan cni list --attachments --format json", meaning: "attachments, for a program" },
  ],
  async run(values, context) {
    const runtime = await runtimeOf(values, context);
    const json = values.format === "json";
    if (values.attachments) printAttachments(runtime.attachments(), json, context);
    else printNetworks(runtime.networks(), json, context);
  },
});

function printNetworks({ networks, unusable }: Directories, json: boolean, context: Context): void {
  const { output } = context;
  if (json) {
    const listed = networks.map(({ name, version, plugins, file }) => ({
      name,
      version,
      plugins: plugins.map(({ type }) => type),
      file,
    }));
    const failed = unusable.map(({ file, name, error }) => ({
      file,
      ...(name !== undefined && { name }),
      reason: error.reason ?? error.message,
    }));
    output.line(jsonText({ networks: listed, unusable: failed }));
    return;
  }
  const rows = networks.map(({ name, version, plugins, file }) => [
    name,
    version,
    plugins.map(({ type }) => type).join(","),
    file,
  ]);
  for (const line of tableLines(["NETWORK", "VERSION", "PLUGINS", "FILE"], rows)) output.line(line);
  warnOf(unusable, context);
}

function printAttachments({ attachments, unreadable }: CacheListing, json: boolean, { output }: Context): void {
  if (json) {
    output.line(jsonText({ attachments: attachments.map(attachmentJson), unreadable }));
    return;
  }
  const rows = attachments.map((one) => [
    one.network,
    one.containerId,
    one.interfaceName,
    addressesOf(one).join(","),
    one.namespace ?? "",
  ]);
  for (const line of tableLines(["NETWORK", "CONTAINER", "INTERFACE", "ADDRESSES", "NAMESPACE"], rows))
    output.line(line);
  for (const { file, reason } of unreadable) output.note(`portolan: cannot read ${file}: ${reason}`);
}

function attachmentJson(one: CachedAttachment): object {
  const { network, containerId, interfaceName, namespace } = one;
  return {
    network,
    containerId,
    interfaceName,
    ...(namespace !== undefined && { namespace }),
    addresses: addressesOf(one),
  };
}

/** Addresses of the result; none where it cannot be read. */
function addressesOf({ result }: CachedAttachment): readonly string[] {
  try {
    return readResult(JSON.parse(result ?? "null")).ips.map(({ address }) => address);
  } catch {
    return []; // whoever wrote it, it is listed
  }
}
