/** Looks at a database file without changing it: is it ours, whole, and of a version we know? */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { PortolanError } from "../errors.ts";
import { applicationId, schemaVersion } from "./migrations.ts";

/** The header of an SQLite file (https://www.sqlite.org/fileformat.html §1.3). */
const headerLength = 100;
const magic = "SQLite format 3\0";
const schemaCookieOffset = 40;
const userVersionOffset = 60;
const applicationIdOffset = 68;

/** An error about the database file; nothing of it was changed. */
export function storeError(
  path: string,
  message: string,
  reason: string,
  advice: string,
  cause?: unknown,
): PortolanError {
  return new PortolanError("store", message, {
    object: `store ${path}`,
    reason,
    advice,
    ...(cause !== undefined && { cause }),
  });
}

const keepOrMove = "it was left as it is: move it away to start empty, or give another --state-dir";

/** Throws `store` where the file at `path` is there and cannot be our database. */
export function checkDatabaseFile(path: string): void {
  let bytes: Buffer | undefined;
  try {
    bytes = readHeader(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw storeError(path, "the state store cannot be read", reason, "check the path and its permissions", error);
  }
  // Nothing there, or a file that SQLite has not written to yet.
  if (bytes === undefined || bytes.length === 0) return;
  if (bytes.length < headerLength || bytes.toString("latin1", 0, magic.length) !== magic) {
    throw storeError(
      path,
      "the state store is damaged or no database",
      "it does not begin like an SQLite file",
      keepOrMove,
    );
  }
  // A database in which nothing was ever made is nobody's: somebody was killed while making it.
  if (bytes.readUInt32BE(schemaCookieOffset) === 0) return;
  if (bytes.readUInt32BE(applicationIdOffset) !== applicationId) {
    throw storeError(
      path,
      "the state store belongs to another program",
      "its application id is not Portolan's",
      keepOrMove,
    );
  }
  checkVersion(bytes.readUInt32BE(userVersionOffset), path);
}

/** Throws `store` where the database is of a newer engine than this one. */
export function checkVersion(version: number, path: string): void {
  if (version <= schemaVersion) return;
  throw storeError(
    path,
    "the state store is of a newer Portolan",
    `its schema has version ${version}, this engine knows ${schemaVersion}`,
    "use that version, or give another --state-dir",
  );
}

/** The first bytes of a file; undefined where there is none. */
function readHeader(path: string): Buffer | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new Error("it is not a regular file");
  const descriptor = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(headerLength);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, headerLength, 0));
  } finally {
    closeSync(descriptor);
  }
}
