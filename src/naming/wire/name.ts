/** Names between text and wire. Inside the resolver a name is its bytes as latin1 text in lower case, labels separated by dots, without the last one. */
import { headerLength, longestLabel, longestName } from "./constants.ts";

/** A name that users wrote, as the resolver keeps names: UTF-8 bytes, ASCII letters in lower case (RFC 4343). */
export function keptName(text: string): string {
  const bytes = Buffer.from(text.replace(/\.$/, ""), "utf8").toString("latin1");
  return bytes.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The question's name of a packet that was read; undefined where a label has a dot in it, which no name of ours has. */
export function questionName(bytes: Buffer, start: number, nameEnd: number): string | undefined {
  const labels: string[] = [];
  for (let at = start + headerLength; at < start + nameEnd - 1; ) {
    const length = bytes[at] ?? 0;
    const label = bytes.toString("latin1", at + 1, at + 1 + length);
    if (label.includes(".")) return undefined;
    labels.push(label);
    at += 1 + length;
  }
  return labels.join(".").replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The wire form of a kept name; undefined where it has none: an empty or too long label, or too long as a whole. */
export function encodeName(name: string): Uint8Array | undefined {
  const labels = name.split(".");
  if (labels.some(({ length }) => length === 0 || length > longestLabel)) return undefined;
  const bytes = Buffer.from(new ArrayBuffer(name.length + 2));
  if (bytes.length > longestName) return undefined;
  let at = 0;
  for (const label of labels) {
    bytes[at] = label.length;
    bytes.write(label, at + 1, "latin1");
    at += 1 + label.length;
  }
  return bytes;
}

/** A name for people: what is no printable ASCII as `\DDD` (RFC 1035 §5.1). */
export function printedName(name: string): string {
  const printed = name.replace(/[^\x21-\x7e]/g, (byte) => `\\${String(byte.charCodeAt(0)).padStart(3, "0")}`);
  return printed === "" ? "." : printed;
}

/**
 * The address that a reverse name asks for (RFC 1035 §3.5, RFC 3596 §2.5), packed: its 4 or 16 bytes as latin1 text. Undefined for other names, and for
 * parts of addresses.
 */
export function reversedAddress(name: string): string | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (v4 !== null) {
    const bytes = v4.slice(1).map(Number).toReversed();
    return bytes.every((byte) => byte <= 255) ? String.fromCharCode(...bytes) : undefined;
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  return v6 === undefined
    ? undefined
    : Buffer.from(v6.replaceAll(".", "").split("").toReversed().join(""), "hex").toString("latin1");
}
