/** What an ADD printed, made fit for the next plugin and for the cache. */
import { CniError } from "../protocol/cni-error.ts";
import { findRaw, readRawObject, setRaw, writeRaw } from "../protocol/raw-json.ts";
import { readResult, resultJson } from "../protocol/result.ts";
import { type CniVersion, readVersion } from "../protocol/version.ts";

/**
 * A result as text in the version that is wanted. One of that version stays as it was written; a missing version is the wanted one, as in libcni; another
 * version is converted. `null` is an empty result. Throws CniError where it is no result, or one that the version cannot tell.
 */
export function fittedResult(text: string, wanted: CniVersion): string {
  const trimmed = text.trim();
  if (trimmed === "null") return JSON.stringify({ cniVersion: wanted });
  const object = readRawObject(trimmed, "result");
  const versionText = findRaw(object, "cniVersion");
  const told: unknown = versionText === undefined ? undefined : JSON.parse(versionText);
  if (typeof told !== "string" || told === "") return writeRaw(setRaw(object, "cniVersion", JSON.stringify(wanted)));
  if (told === wanted) return trimmed;
  checkKnown(told);
  return JSON.stringify(resultJson(readResult(JSON.parse(trimmed)), wanted));
}

/** Throws CniError where a result is of a version that nobody here reads. */
function checkKnown(text: string): void {
  try {
    readVersion(text);
  } catch (cause) {
    if (!(cause instanceof CniError)) throw cause;
    throw new CniError(cause.code, `the result is of version ${text}, which is not spoken here`, undefined, cause);
  }
}
