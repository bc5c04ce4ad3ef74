/**
 * JSON objects as the text they were written in. A configuration is passed on unchanged, and `JSON.parse` would round integers above 2^53 and move keys that
 * look like integers to the front; so members keep their text, and what is sent is spliced from it.
 */
import { CniError, cniCode } from "./cni-error.ts";

/** One member: its key decoded, and the text of its value. */
export interface RawMember {
  readonly key: string;
  readonly text: string;
}

/** An object's members in the order they were written; keys may repeat. */
export type RawObject = readonly RawMember[];

const isSpace = (char: string | undefined): boolean => char === " " || char === "\n" || char === "\r" || char === "\t";

/** Where the string that starts at `start` ends; the text is known to be valid JSON. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** Where the value that starts at `start` ends: at the first comma or closing bracket outside its own brackets and strings. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text[at];
    if (char === '"') {
      at = stringEnd(text, at);
      continue;
    }
    if (depth === 0 && (char === "," || char === "}" || char === "]")) break;
    if (char === "{" || char === "[") depth++;
    if (char === "}" || char === "]") depth--;
    at++;
  }
  return at;
}

/** Reads the object that `text` is. `what` names it in the refusal (code 6, in the reference's spelling). */
export function readRawObject(text: string, what = "network config"): RawObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new CniError(cniCode.undecodable, `error unmarshall ${what}: ${words}`, undefined, cause);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new CniError(cniCode.undecodable, `error unmarshall ${what}: not a JSON object`);
  }
  const members: RawMember[] = [];
  let at = text.indexOf("{") + 1;
  for (;;) {
    while (isSpace(text[at]) || text[at] === ",") at++;
    if (text[at] === "}") return members;
    const keyEnd = stringEnd(text, at);
    // A string literal of valid JSON parses to a string.
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    const valueStart = text.indexOf(":", keyEnd) + 1;
    at = valueEnd(text, valueStart);
    members.push({ key, text: text.slice(valueStart, at).trim() });
  }
}

/** The texts of the elements of the array that `text` is, valid JSON; undefined where it is something else. */
export function readRawArray(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  const elements: string[] = [];
  let at = 1;
  for (;;) {
    while (isSpace(text[at]) || text[at] === ",") at++;
    if (text[at] === "]") return elements;
    const start = at;
    at = valueEnd(text, start);
    elements.push(text.slice(start, at).trim());
  }
}

/** Go's encoding/json compares keys without case, and takes the long s for an s; the Kelvin sign is a k when lowered. */
const fold = (key: string): string => key.replaceAll("\u017f", "s").toLowerCase();

/** The text of the member that Go would read for `key`: without regard to case, the last of several. */
export function findRaw(object: RawObject, key: string): string | undefined {
  const wanted = fold(key);
  return object.findLast((member) => fold(member.key) === wanted)?.text;
}

/** The object with `key` set to `text` (removed where undefined): in place of every spelling of it, at the end where there was none. */
export function setRaw(object: RawObject, key: string, text: string | undefined): RawObject {
  const wanted = fold(key);
  const first = object.findIndex((member) => fold(member.key) === wanted);
  const others = object.filter((member) => fold(member.key) !== wanted);
  if (text === undefined) return others;
  return others.toSpliced(first === -1 ? others.length : first, 0, { key, text });
}

/** The object as text; values are as they were written. */
export const writeRaw = (object: RawObject): string =>
  `{${object.map(({ key, text }) => `${JSON.stringify(key)}:${text}`).join(",")}}`;
