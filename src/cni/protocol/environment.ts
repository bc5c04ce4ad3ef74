/** What a runtime tells a plugin in environment variables. CNI 1.1 "Parameters", with the reference's refusals. */
import { CniError, cniErrorCodes } from "./errors.ts";

export const cniCommands = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] as const;
export type CniCommand = (typeof cniCommands)[number];

/** The variables of one call; "" where a call may leave one out and did. */
export interface CniEnvironment {
  readonly command: CniCommand;
  readonly containerId: string;
  /** A path; for DEL it may be empty or lead nowhere. */
  readonly netns: string;
  readonly ifname: string;
  readonly args: ReadonlyMap<string, string>;
  /** Directories to look for delegates in, first match wins. */
  readonly path: readonly string[];
}

/** The variables that a command cannot do without, in the order the reference names them. */
const required: Readonly<Record<CniCommand, readonly string[]>> = {
  ADD: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  CHECK: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  DEL: ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"],
  GC: ["CNI_PATH"],
  STATUS: ["CNI_PATH"],
  VERSION: [],
};

const refuse = (message: string, details?: string): CniError =>
  new CniError(cniErrorCodes.invalidEnvironment, message, details === undefined ? {} : { details });

/** Checks a container's id; refuses with code 4. */
export function checkContainerId(id: string): void {
  if (id === "") throw refuse("missing containerID");
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id)) throw refuse("invalid characters in containerID", id);
}

/** Checks an interface's name as the kernel would: 1 to 15 bytes, no `/`, `:` or space; refuses with code 4. */
export function checkIfname(name: string): void {
  if (name === "") throw refuse("interface name is empty");
  if (Buffer.byteLength(name) > 15)
    throw refuse("interface name is too long", "interface name should be less than 16 characters");
  if (name === "." || name === "..") throw refuse("interface name is . or ..");
  if (/[/:\s]/.test(name)) throw refuse("interface name contains / or : or whitespace characters");
}

/** Reads `K=V;K2=V2`; a pair without `=` is refused with code 4. */
export function readCniArgs(text: string): ReadonlyMap<string, string> {
  const args = new Map<string, string>();
  if (text === "") return args;
  for (const pair of text.split(";")) {
    const equals = pair.indexOf("=");
    if (equals === -1) throw refuse(`ARGS: invalid pair ${JSON.stringify(pair)}`);
    args.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return args;
}

const isCommand = (text: string): text is CniCommand => (cniCommands as readonly string[]).includes(text);

/** Reads and checks the variables of a call; every refusal is a {@link CniError} of code 4. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): CniEnvironment {
  const command = variables["CNI_COMMAND"] ?? "";
  if (command === "") throw refuse("required env variables [CNI_COMMAND] missing");
  if (!isCommand(command)) throw refuse(`unknown CNI_COMMAND: ${command}`);
  const missing = required[command].filter((name) => (variables[name] ?? "") === "");
  if (missing.length > 0) throw refuse(`required env variables [${missing.join(",")}] missing`);
  const [containerId, ifname] = [variables["CNI_CONTAINERID"] ?? "", variables["CNI_IFNAME"] ?? ""];
  const ofAttachment = command === "ADD" || command === "DEL" || command === "CHECK";
  if (ofAttachment) {
    checkContainerId(containerId);
    checkIfname(ifname);
  }
  return {
    command,
    containerId,
    netns: variables["CNI_NETNS"] ?? "",
    ifname,
    args: ofAttachment ? readCniArgs(variables["CNI_ARGS"] ?? "") : new Map(),
    path: (variables["CNI_PATH"] ?? "").split(":").filter((directory) => directory !== ""),
  };
}
