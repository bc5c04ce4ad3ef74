/** A call of a plugin, read and checked: what every type has in common. */
import { type Stats, statSync } from "node:fs";
import type { AttachmentKey, Attachments } from "../../model/attachment-types.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { type Attachment, type CniArguments, type CniCall, readEnvironment } from "../protocol/environment.ts";
import { readRawObject } from "../protocol/raw-json.ts";
import { type CniResult, readResult } from "../protocol/result.ts";
import { atLeast, type CniVersion, readVersion } from "../protocol/version.ts";
import { Fields } from "./fields.ts";

/** What a runtime executes: a plugin by its type, with an environment and what it writes to its standard input. */
export interface Execution {
  readonly type: string;
  /** The runtime's environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly input: string;
}

/** What is common to the calls of all commands. */
export interface BaseCall {
  readonly type: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Directories where further plugins are. */
  readonly path: readonly string[];
  readonly version: CniVersion;
  /** The network's name. */
  readonly network: string;
  readonly config: Fields;
  /** The configuration as it came. */
  readonly input: string;
  /** What was given as the previous result; undefined where nothing was. */
  readonly previous: CniResult | undefined;
  readonly attachments: Attachments;
}

/** A call about one attachment. */
export interface AttachmentCall extends BaseCall {
  readonly attachment: Attachment;
  readonly key: AttachmentKey;
  readonly args: CniArguments;
}

/** The same with a namespace that is there. */
export interface PlacedCall extends AttachmentCall {
  readonly namespace: `/${string}`;
}

/** Names of networks (SPEC.md, "Network configuration format"). */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** Since when there are commands that were not there from the beginning. */
const since: Readonly<Partial<Record<string, CniVersion>>> = { CHECK: "0.4.0", GC: "1.1.0", STATUS: "1.1.0" };

export type ReadCall =
  | { readonly command: "ADD" | "CHECK" | "DEL"; readonly call: AttachmentCall }
  | { readonly command: "GC" | "STATUS"; readonly call: BaseCall }
  | { readonly command: "VERSION" };

/** The version that an error's answer has: the configuration's, as far as it can be read. */
export function versionForErrors({ input }: Execution): string | undefined {
  try {
    return new Fields(readRawObject(input)).text("cniVersion");
  } catch {
    return undefined;
  }
}

/** Reads and checks a call, but for its namespace; throws CniError 1, 4, 6 and 7. */
export function readCall(execution: Execution, attachments: Attachments): ReadCall {
  const { type, environment, input } = execution;
  const about = readEnvironment(environment);
  if (about.command === "VERSION") return about;
  const config = new Fields(readRawObject(input));
  const version = readVersion(config.text("cniVersion"));
  const first = since[about.command];
  if (first !== undefined && !atLeast(version, first)) {
    throw new CniError(cniCode.incompatibleVersion, `config version does not allow ${about.command}`);
  }
  const network = config.text("name") ?? "";
  if (network === "") throw new CniError(cniCode.badConfiguration, "missing network name");
  if (!namePattern.test(network)) {
    throw new CniError(cniCode.badConfiguration, "invalid characters found in network name", network);
  }
  const given = config.any("prevResult");
  const base: BaseCall = {
    type,
    environment,
    path: about.path,
    version,
    network,
    config,
    input,
    previous: given === undefined ? undefined : readResult(given),
    attachments,
  };
  if (!("attachment" in about)) return { command: about.command, call: base };
  return { command: about.command, call: withAttachment(base, about) };
}

function withAttachment(
  base: BaseCall,
  { attachment, args }: Extract<CniCall, { readonly attachment: Attachment }>,
): AttachmentCall {
  const { containerId, interfaceName } = attachment;
  return { ...base, attachment, args, key: { network: base.network, containerId, interfaceName } };
}

/** The call with its namespace; throws CniError 8 where that is none, or the engine's own. */
export const placed = async (call: AttachmentCall): Promise<PlacedCall> => ({
  ...call,
  namespace: await checkedNamespace(call),
});

/** The namespace of the call; throws CniError 8 where it is none, or the engine's own. */
async function checkedNamespace({ attachment, attachments, environment }: AttachmentCall): Promise<`/${string}`> {
  const { namespace } = attachment;
  if (namespace === undefined || !(await attachments.namespaceExists(namespace))) {
    throw new CniError(
      cniCode.badNamespace,
      `failed to open netns "${namespace ?? ""}": it is not a network namespace`,
    );
  }
  const override = ["1", "TRUE"].includes((environment["CNI_NETNS_OVERRIDE"] ?? "").toUpperCase());
  if (!override && isOwnNamespace(namespace)) {
    throw new CniError(
      cniCode.badNamespace,
      `plugin's netns and netns from CNI_NETNS should not be the same`,
      namespace,
    );
  }
  return namespace;
}

let ownNamespace: Stats | undefined;

function isOwnNamespace(path: string): boolean {
  ownNamespace ??= statSync("/proc/self/ns/net");
  const { dev, ino } = statSync(path);
  return dev === ownNamespace.dev && ino === ownNamespace.ino;
}

/** Which attachments GC keeps, as `CONTAINERID/INTERFACE`. */
export function validAttachments({ config }: BaseCall): ReadonlySet<string> {
  const key = config.has("cni.dev/valid-attachments") ? "cni.dev/valid-attachments" : "cni.dev/attachments";
  return new Set(config.objects(key).map((one) => `${one.text("containerID") ?? ""}/${one.text("ifname") ?? ""}`));
}
