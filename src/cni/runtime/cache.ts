/**
 * The result cache: a file an attachment in `<directory>/results`, which libcni reads and writes, too. Whose a file is stands in its fields: names are joined by
 * dashes, so that network `a-b` with container `c` and network `a` with container `b-c` are called the same.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { isPortolanError, PortolanError } from "../../errors.ts";
import { CniError } from "../protocol/cni-error.ts";
import type { Attachment } from "../protocol/environment.ts";
import { type CachedAttachment, type CacheEntry, readEntry, writeEntry } from "./cache-entry.ts";
import { fileFailure, filesIn, readFile } from "./files.ts";

/** Where libcni keeps it where nothing else is said. */
export const standardCacheDirectory = "/var/lib/cni";

/** Which entry is meant. */
export interface CacheKey extends Pick<Attachment, "containerId" | "interfaceName"> {
  readonly network: string;
}

/** A file of the cache that cannot be read as an attachment. */
export interface UnreadableEntry {
  readonly file: string;
  readonly reason: string;
}

/** What the cache holds. */
export interface CacheListing {
  readonly attachments: readonly CachedAttachment[];
  readonly unreadable: readonly UnreadableEntry[];
}

/** What is found under a key; `unreadable` is why an entry is there and cannot be used. */
export type Found =
  | CacheEntry
  | { readonly kind: "nothing" }
  | { readonly kind: "unreadable"; readonly error: PortolanError };

/** Longest name of a file (NAME_MAX). */
const longestName = 255;

export class ResultCache {
  readonly #directory: string;
  readonly #results: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#results = join(directory, "results");
  }

  /** What is remembered of an attachment. */
  find(key: CacheKey): Found {
    return this.#locate(key).found;
  }

  /** Writes an entry in place of the attachment's former one; at no moment is half of one there. Throws `store` or `forbidden`. */
  put(attachment: CachedAttachment): void {
    const { file } = this.#locate(attachment);
    // Beside the results: whoever lists them takes every file for an entry.
    const draft = join(this.#directory, `.${basename(file).slice(0, 200)}.${randomBytes(6).toString("hex")}`);
    try {
      mkdirSync(this.#results, { recursive: true, mode: 0o700 });
      writeFileSync(draft, writeEntry(attachment), { mode: 0o600, flag: "wx" });
      renameSync(draft, file);
    } catch (error) {
      rmSync(draft, { force: true });
      throw fileFailure("write", file, error);
    }
  }

  /** Forgets an attachment. */
  delete(key: CacheKey): void {
    const { file } = this.#locate(key);
    try {
      rmSync(file, { force: true });
    } catch (error) {
      throw fileFailure("remove", file, error);
    }
  }

  /** Everything that is remembered, or what is of one network. */
  list(network?: string): CacheListing {
    const attachments: CachedAttachment[] = [];
    const unreadable: UnreadableEntry[] = [];
    for (const file of filesIn(this.#results)) {
      if (network !== undefined && !basename(file).startsWith(`${network}-`)) continue;
      const entry = readCached(file);
      if (entry.kind === "attachment") attachments.push(entry.attachment);
      else if (entry.kind !== "nothing") unreadable.push({ file, reason: reasonOf(entry) });
    }
    return { attachments, unreadable };
  }

  /** Attachments of one interface of a container, in whichever network. */
  ofInterface({ containerId, interfaceName }: Pick<Attachment, "containerId" | "interfaceName">): readonly CacheKey[] {
    const ending = new RegExp(`-${escaped(containerId)}-${escaped(interfaceName)}(~\\d+)?$`);
    return filesIn(this.#results)
      .filter((file) => ending.test(basename(file)))
      .map(readCached)
      .flatMap((entry) => (entry.kind === "attachment" ? [entry.attachment] : []))
      .filter((one) => one.containerId === containerId && one.interfaceName === interfaceName);
  }

  /** The file of a key: libcni's name, or the next one where that is another attachment's. */
  #locate(key: CacheKey): { readonly file: string; readonly found: Found } {
    const name = `${key.network}-${key.containerId}-${key.interfaceName}`;
    if (Buffer.byteLength(name) > longestName - 4) {
      throw new PortolanError(
        "invalid-argument",
        "the names of network, container and interface are too long together",
        {
          object: `attachment "${name}"`,
          reason: `the cache's files are named after them, and a name has ${longestName} bytes at most`,
        },
      );
    }
    let place: { readonly file: string; readonly found: Found } | undefined;
    for (let number = 1; place === undefined || isOthers(place.found, key); number++) {
      const file = join(this.#results, number === 1 ? name : `${name}~${number}`);
      place = { file, found: readCached(file) };
    }
    return place;
  }
}

const isOthers = (found: Found, { network, containerId, interfaceName }: CacheKey): boolean =>
  found.kind === "attachment" &&
  (found.attachment.network !== network ||
    found.attachment.containerId !== containerId ||
    found.attachment.interfaceName !== interfaceName);

function readCached(file: string): Found {
  try {
    return readEntry(readFile(file));
  } catch (error) {
    if (isPortolanError(error, "not-found")) return { kind: "nothing" };
    if (isPortolanError(error)) return { kind: "unreadable", error };
    if (error instanceof CniError) return { kind: "unreadable", error: fileFailure("use", file, error) };
    throw error;
  }
}

const reasonOf = (entry: Exclude<Found, { kind: "nothing" | "attachment" }>): string =>
  entry.kind === "result"
    ? "a result without its attachment, of before cniCacheV1"
    : (entry.error.reason ?? entry.error.message);

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&");
