/** What a runtime says by the environment of a call (SPEC.md, "Parameters"), with the words in which the reference plugins refuse it. */
import { CniError, cniCode } from "./cni-error.ts";

export const commands = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] as const;
export type CniCommand = (typeof commands)[number];

/** Which attachment a call is about. */
export interface Attachment {
  readonly containerId: string;
  /** Name of the interface in the container. */
  readonly interfaceName: string;
  /** Path of the container's network namespace; absent where it has none any more. */
  readonly namespace?: `/${string}`;
}

/** Deprecated arguments that runtimes send all the same. */
export interface CniArguments {
  readonly mac?: string;
  /** Addresses, with a prefix length or without. */
  readonly ips: readonly string[];
  /** Gateways for these, one of each family. */
  readonly gateways?: readonly string[];
  /** The pod's, of Kubernetes and of podman. */
  readonly podName?: string;
  readonly podNamespace?: string;
}

/** A call's environment by what it asks for. */
export type CniCall =
  | { readonly command: "VERSION" }
  | { readonly command: "GC" | "STATUS"; readonly path: readonly string[] }
  | {
      readonly command: "ADD" | "CHECK" | "DEL";
      readonly path: readonly string[];
      readonly attachment: Attachment;
      readonly args: CniArguments;
    };

/** What must be set for each command. */
const required: Readonly<Record<CniCommand, readonly string[]>> = {
  ADD: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"],
  CHECK: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"],
  DEL: ["CNI_CONTAINERID", "CNI_IFNAME"],
  GC: [],
  STATUS: [],
  VERSION: [],
};

const containerIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** IFNAMSIZ less the final zero. */
const longestName = 15;

const refuse = (message: string): CniError => new CniError(cniCode.badEnvironment, message);

/** Reads a call's environment; throws CniError 4. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): CniCall {
  const word = environment["CNI_COMMAND"] ?? "";
  const command = commands.find((known) => known === word);
  if (command === undefined) throw refuse(word === "" ? missing(["CNI_COMMAND"]) : `unknown CNI_COMMAND: ${word}`);
  if (command === "VERSION") return { command };
  const path = (environment["CNI_PATH"] ?? "").split(":").filter((folder) => folder !== "");
  if (command === "GC" || command === "STATUS") return { command, path };
  const unset = required[command].filter((name) => (environment[name] ?? "") === "");
  if (unset.length > 0) throw refuse(missing(unset));
  const containerId = environment["CNI_CONTAINERID"] ?? "";
  if (!containerIdPattern.test(containerId)) throw refuse("invalid characters in containerID");
  const interfaceName = environment["CNI_IFNAME"] ?? "";
  checkInterfaceName(interfaceName);
  const namespace = environment["CNI_NETNS"] ?? "";
  if (command !== "DEL" && !isPath(namespace)) throw refuse(`CNI_NETNS is not an absolute path: ${namespace}`);
  return {
    command,
    path,
    attachment: { containerId, interfaceName, ...(isPath(namespace) && { namespace }) },
    args: readArguments(environment["CNI_ARGS"] ?? ""),
  };
}

const isPath = (text: string): text is `/${string}` => text.startsWith("/");

const missing = (names: readonly string[]): string => `required env variables [${names.join(",")}] missing`;

function checkInterfaceName(name: string): void {
  if (Buffer.byteLength(name) > longestName) throw refuse("interface name is too long");
  if (name === "." || name === "..") throw refuse("interface name is . or ..");
  if (/[/:\s]/.test(name)) throw refuse("interface name contains / or : or whitespace characters");
}

/** Arguments that are known, by the name that runtimes give them. */
const known = new Set([
  "IgnoreUnknown",
  "IP",
  "GATEWAY",
  "MAC",
  "K8S_POD_NAMESPACE",
  "K8S_POD_NAME",
  "K8S_POD_INFRA_CONTAINER_ID",
  "K8S_POD_UID",
]);

/** Reads `KEY=VALUE;…`. Unknown keys are refused unless the caller says that they may be ignored, as in the reference plugins. */
function readArguments(text: string): CniArguments {
  const pairs = new Map<string, string>();
  for (const pair of text.split(";").filter((part) => part !== "")) {
    const equals = pair.indexOf("=");
    if (equals < 0) throw refuse(`ARGS: invalid pair "${pair}"`);
    pairs.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  const lenient = ["1", "true", "True", "TRUE"].includes(pairs.get("IgnoreUnknown") ?? "");
  const strange = [...pairs.keys()].filter((key) => !known.has(key));
  if (!lenient && strange.length > 0) {
    const told = strange.map((key) => `"${key}=${pairs.get(key)}"`).join(" ");
    throw new CniError(cniCode.other, `ARGS: unknown args [${told}]`);
  }
  const [mac, podName, podNamespace] = [pairs.get("MAC"), pairs.get("K8S_POD_NAME"), pairs.get("K8S_POD_NAMESPACE")];
  const list = (key: string): readonly string[] => (pairs.get(key) ?? "").split(",").filter((one) => one !== "");
  const gateways = list("GATEWAY");
  return {
    ips: list("IP"),
    ...(gateways.length > 0 && { gateways }),
    ...(mac && { mac }),
    ...(podName && { podName }),
    ...(podNamespace && { podNamespace }),
  };
}
