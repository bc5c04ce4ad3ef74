/** Flags of the commands that execute CNI plugins, and what they make of them. */
import { createHash } from "node:crypto";
import type { AttachmentRequest, NetworkConfiguration, RuntimeOptions, UnusableFile } from "../cni/runtime/index.ts";
import { PortolanError } from "../errors.ts";
import { capabilitiesOf } from "./cni-capabilities.ts";
import type { Context } from "./command.ts";
import { choice, type FlagValues, integer, list, pairs, text } from "./flag.ts";
import { UsageError } from "./usage-error.ts";

/** Where networks are. */
export const directoryFlags = {
  directories: list(
    "--dir DIR",
    "Directory of network configurations; of several, the first that has it (NETCONFPATH; default /etc/cni/net.d)",
    "file",
  ),
  format: choice("--format FORMAT", "text or json", ["text", "json"]),
} as const;

/** Where plugins are, and how long they may take. */
export const pluginFlags = {
  pluginDirectories: list(
    "--plugin-dir DIR",
    "Directory of plugins, searched in order (CNI_PATH; default /opt/cni/bin, then /usr/lib/cni)",
    "file",
  ),
  timeout: integer("--timeout SECONDS", "How long each plugin may take before it is killed (default 120; 0: no limit)"),
} as const;

export const cacheFlags = {
  cacheDirectory: text("--cache-dir DIR", "Where results are remembered (default /var/lib/cni, as libcni's)", "file"),
} as const;

/** Which attachment of a container is meant. */
export const attachmentFlags = {
  containerId: text("--container-id ID", "The container's id (default: made of NETNS)"),
  interfaceName: text("--ifname NAME", "Name of the interface in the container (default eth0)"),
  args: pairs("--arg KEY=VALUE", "Argument of CNI_ARGS, such as MAC or K8S_POD_NAME"),
} as const;

/** What plugins that declare a capability get of it. */
export const capabilityFlags = {
  ports: list(
    "--port PORTS",
    "Published ports: [ADDRESS:]HOST[-HOST]:PORT[-PORT][/PROTOCOL] (capability portMappings)",
  ),
  ips: list("--ip ADDRESS", "Address, with a prefix length or without (capability ips)"),
  mac: text("--mac MAC", "MAC address (capability mac)"),
  capabilities: pairs("--capability KEY=JSON", "What plugins that declare the capability KEY get of it"),
} as const;

type RuntimeFlags = Partial<FlagValues<typeof directoryFlags & typeof pluginFlags & typeof cacheFlags>>;

/** Seconds that a plugin may take where nothing else is said. */
const standardTimeout = 120;

/** The runtime that the flags and the environment describe; flags come before the environment. */
export async function runtimeOf(values: RuntimeFlags, { output }: Pick<Context, "output">) {
  const { CniRuntime } = await import("../cni/runtime/index.ts");
  return new CniRuntime(runtimeOptions(values, process.env, output));
}

function runtimeOptions(
  values: RuntimeFlags,
  environment: NodeJS.ProcessEnv,
  output: Context["output"],
): RuntimeOptions {
  const seconds = values.timeout ?? standardTimeout;
  if (seconds < 0) throw new UsageError("--timeout takes seconds, 0 or more");
  const directories = given(values.directories, environment["NETCONFPATH"]);
  const pluginDirectories = given(values.pluginDirectories, environment["CNI_PATH"]);
  return {
    ...(directories && { configurationDirectories: directories }),
    ...(pluginDirectories && { pluginDirectories }),
    ...(values.cacheDirectory !== undefined && { cacheDirectory: values.cacheDirectory }),
    ...(seconds > 0 && { timeout: seconds * 1000 }),
    onWords: (plugin, words) => output.note(`${plugin}: ${words}`),
  };
}

/** Directories of a flag, else of a variable that parts them by colons. */
function given(flag: readonly string[] | undefined, variable: string | undefined): readonly string[] | undefined {
  if (flag !== undefined && flag.length > 0) return flag;
  const listed = (variable ?? "").split(":").filter((one) => one !== "");
  return listed.length > 0 ? listed : undefined;
}

/** The attachment that is meant: a namespace by its path, or by its name as `ip netns` has it. */
export function attachmentOf(
  namespaceWord: string | undefined,
  values: FlagValues<typeof attachmentFlags>,
): AttachmentRequest {
  const namespace = namespaceWord === undefined ? undefined : namespacePath(namespaceWord);
  const containerId = values.containerId ?? (namespace && madeId(namespace));
  if (containerId === undefined) {
    throw new UsageError("neither NETNS nor --container-id says which container is meant");
  }
  return {
    containerId,
    interfaceName: values.interfaceName ?? "eth0",
    ...(namespace !== undefined && { namespace }),
    ...(Object.keys(values.args).length > 0 && { args: values.args }),
  };
}

const isPath = (word: string): word is `/${string}` => word.startsWith("/");

function namespacePath(word: string): `/${string}` {
  if (isPath(word)) return word;
  if (word !== "" && !word.includes("/")) return `/run/netns/${word}`;
  throw new UsageError(`"${word}" is neither the path of a network namespace nor the name of one in /run/netns`);
}

/** The same container for the same namespace, where nobody names it. */
const madeId = (namespace: string): string =>
  `portolan-${createHash("sha256").update(namespace).digest("hex").slice(0, 20)}`;

/** The attachment with what the flags say for its plugins; refused where none of the network's plugins wants it. */
export function withCapabilities(
  attachment: AttachmentRequest,
  network: NetworkConfiguration,
  values: FlagValues<typeof capabilityFlags>,
): AttachmentRequest {
  const capabilities = capabilitiesOf(values);
  const declared = new Set(network.plugins.flatMap((plugin) => plugin.capabilities));
  for (const capability of Object.keys(capabilities)) {
    if (declared.has(capability)) continue;
    throw new PortolanError(
      "invalid-option",
      `no plugin of network "${network.name}" declares the capability "${capability}"`,
      {
        object: `network "${network.name}"`,
        advice: `${declared.size === 0 ? "they declare none" : `they declare ${[...declared].join(", ")}`}; write it in the "capabilities" of the plugin that has it in ${network.file}`,
      },
    );
  }
  return Object.keys(capabilities).length > 0 ? { ...attachment, capabilities } : attachment;
}

/** Tells of files that were passed over. */
export function warnOf(unusable: readonly UnusableFile[], { output }: Pick<Context, "output">): void {
  for (const { file, error } of unusable)
    output.note(`portolan: passed over ${file}: ${error.reason ?? error.message}`);
}
