/** An entry of the result cache as text: libcni's `cniCacheV1`, and what older ones wrote, which is the bare result. */
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { Attachment } from "../protocol/environment.ts";
import { findRaw, type RawObject, readRawObject, writeRaw } from "../protocol/raw-json.ts";
import type { CallArguments } from "./call.ts";

/** libcni's name of the form. */
const kind = "cniCacheV1";

/** What is remembered of an attachment. */
export interface CachedAttachment extends Attachment, CallArguments {
  readonly network: string;
  /** The list's text at the time of ADD. */
  readonly configuration: string;
  /** The result of ADD, JSON; absent where the plugins gave none. */
  readonly result?: string;
}

/** An entry as it was read. */
export type CacheEntry =
  | { readonly kind: "attachment"; readonly attachment: CachedAttachment }
  /** Before cniCacheV1: whose it is stands in the file's name alone, which is ambiguous. */
  | { readonly kind: "result"; readonly result: string };

/** The entry's text, members in libcni's order; empty ones are left out, as there. */
export function writeEntry(attachment: CachedAttachment): string {
  const { network, containerId, interfaceName, namespace, args, capabilities, configuration, result } = attachment;
  const member = (key: string, value: unknown): RawObject => [{ key, text: JSON.stringify(value) }];
  return writeRaw([
    ...member("kind", kind),
    ...member("containerId", containerId),
    ...member("config", Buffer.from(configuration).toString("base64")),
    ...member("ifName", interfaceName),
    ...member("networkName", network),
    ...(namespace === undefined ? [] : member("netns", namespace)),
    ...(args.length === 0 ? [] : member("cniArgs", args)),
    ...(capabilities.length === 0 ? [] : [{ key: "capabilityArgs", text: writeRaw(capabilities) }]),
    ...(result === undefined ? [] : [{ key: "result", text: result }]),
  ]);
}

/** Reads an entry's text; throws CniError where it is none. */
export function readEntry(text: string): CacheEntry {
  const object = readRawObject(text, "cache entry");
  const word = (key: string): string => {
    const value: unknown = JSON.parse(findRaw(object, key) ?? '""');
    if (typeof value === "string") return value;
    throw new CniError(cniCode.undecodable, `${key} of the cache entry is no text`);
  };
  if (word("kind") !== kind) return { kind: "result", result: text.trim() };
  const namespace = word("netns");
  const result = findRaw(object, "result");
  const attachment: CachedAttachment = {
    network: word("networkName"),
    containerId: word("containerId"),
    interfaceName: word("ifName"),
    ...(isPath(namespace) && { namespace }),
    args: readArgs(findRaw(object, "cniArgs")),
    capabilities: readCapabilities(findRaw(object, "capabilityArgs")),
    configuration: Buffer.from(word("config"), "base64").toString("utf8"),
    ...(result !== undefined && result !== "null" && { result }),
  };
  if (attachment.network === "" || attachment.containerId === "" || attachment.interfaceName === "") {
    throw new CniError(cniCode.undecodable, "the cache entry does not say which attachment it is of");
  }
  return { kind: "attachment", attachment };
}

const isPath = (text: string): text is `/${string}` => text.startsWith("/");

function readArgs(text: string | undefined): CachedAttachment["args"] {
  const pairs: unknown = JSON.parse(text ?? "null");
  if (!Array.isArray(pairs)) return [];
  return pairs.flatMap((pair: unknown) => (Array.isArray(pair) ? [[String(pair[0]), String(pair[1])] as const] : []));
}

const readCapabilities = (text: string | undefined): RawObject =>
  text === undefined || text === "null" ? [] : readRawObject(text, "capabilityArgs");
