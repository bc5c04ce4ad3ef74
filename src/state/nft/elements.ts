/** Between elements as the engine describes them, in nft's words, and as the kernel stores them, in bytes. */
import { PortolanError } from "../../errors.ts";
import { malformed } from "../../kernel/netlink/attribute.ts";
import type { ElementForm, SetElement } from "../../kernel/netlink/nftables/element.ts";
import { bytesToHex, type Hex, hexToBytes } from "../../kernel/netlink/nftables/values.ts";
import type { Verdict } from "../../kernel/netlink/nftables/verdict.ts";
import type { NftDataType, NftElement, NftKeyPart, NftSet, NftSetType } from "../objects.ts";
import { codecsOf, isVerdictMap, padded } from "./sets.ts";
import { prefixMask, type ValueCodec, valueTypes } from "./value-type.ts";

/** One object for all elements of a set: a plan of a thousand carries it to the engine's thread once. */
const types = new WeakMap<NftSetType, NftSetType>();

const typeOf = (set: NftSetType): NftSetType =>
  types.getOrInsertComputed(set, ({ key, data, interval }) => ({
    key,
    ...(data && { data }),
    ...(interval && { interval }),
  }));

/**
 * An element of `set`: `nftElement(published, ["tcp", "8080"], ["10.0.0.7", "80"])`. Key and data are put in the form in which
 * the kernel's own are read back (a prefix of full length is an address), so that equal elements are equal text. Throws
 * `invalid-argument` for text that is no such value.
 */
export function nftElement(set: NftSet, key: readonly NftKeyPart[], data?: readonly string[]): NftElement {
  return decodeElement(set, encodeElement({ type: set, key, ...(data && { data }) }));
}

/** How the kernel stores the elements of a set. */
export function elementForm(set: NftSetType): ElementForm {
  if (!set.interval) return "plain";
  return set.key.length > 1 ? "concatenated-interval" : "interval";
}

/** First and last value of one part of a key. */
function bounds(codec: ValueCodec, part: NftKeyPart): readonly [Uint8Array, Uint8Array] {
  if (typeof part === "string") {
    const value = codec.encode(part);
    return [value, value];
  }
  if ("from" in part) return orderedBounds(codec, part.from, part.to);
  const slash = part.prefix.lastIndexOf("/");
  const bits = Number(part.prefix.slice(slash + 1));
  if (!(slash > 0 && Number.isInteger(bits) && bits >= 0 && bits <= 8 * codec.length)) {
    throw new PortolanError("invalid-argument", `"${part.prefix}" is no prefix of ${8 * codec.length} bits`);
  }
  const mask = prefixMask(bits, codec.length);
  const value = codec.encode(part.prefix.slice(0, slash));
  return [value.map((byte, i) => byte & (mask[i] ?? 0)), value.map((byte, i) => byte | (~(mask[i] ?? 0) & 0xff))];
}

function orderedBounds(codec: ValueCodec, from: string, to: string): readonly [Uint8Array, Uint8Array] {
  const [first, last] = [codec.encode(from), codec.encode(to)];
  if (bytesToHex(first) > bytesToHex(last)) {
    throw new PortolanError("invalid-argument", `the range from ${from} to ${to} runs backwards`);
  }
  return [first, last];
}

/** Room for the longest concatenation that the kernel takes (NFT_DATA_VALUE_MAXLEN). */
const room = new Uint8Array(64);

/** Parts side by side; those of a concatenation are padded to registers. */
function join(values: readonly Uint8Array[]): Hex {
  const [only] = values;
  if (values.length === 1 && only) return bytesToHex(only);
  let at = 0;
  for (const value of values) {
    const end = at + padded(value.length);
    room.fill(0, at, end);
    room.set(value, at);
    at = end;
  }
  return bytesToHex(room.subarray(0, at));
}

/** The parts of joined bytes; throws `kernel` where they are not of the types' length. */
function split(codecs: readonly ValueCodec[], joined: Hex): readonly Uint8Array[] {
  const bytes = hexToBytes(joined);
  const [only] = codecs;
  const length = codecs.length === 1 ? only?.length : codecs.reduce((sum, codec) => sum + padded(codec.length), 0);
  if (bytes.length !== length) throw malformed(`a key or value of ${bytes.length} bytes, not ${length}`);
  let at = 0;
  return codecs.map((codec) => {
    const value = bytes.subarray(at, at + codec.length);
    at += padded(codec.length);
    return value;
  });
}

/** The bytes of an element; throws `invalid-argument` for text that is no such value. */
export function encodeElement(element: Pick<NftElement, "type" | "key" | "data">): SetElement {
  const { type } = element;
  const codecs = codecsOf(type.key);
  if (codecs.length !== element.key.length || type.data?.length !== element.data?.length) {
    throw new PortolanError("invalid-argument", "an element has as many parts as its set's key and data", {
      reason: `${element.key.length} and ${element.data?.length ?? 0}, not ${codecs.length} and ${type.data?.length ?? 0}`,
    });
  }
  const ranges = codecs.map((codec, i) => bounds(codec, element.key[i] ?? ""));
  const key = join(ranges.map(([first]) => first));
  const last = ranges.every(([first, end]) => first === end) ? key : join(ranges.map(([, end]) => end));
  if (last !== key && !type.interval) {
    throw new PortolanError("invalid-argument", "the key of a set without intervals is a single value, not a range");
  }
  return {
    key,
    ...(last !== key && { last }),
    ...(type.data && element.data && { data: encodeData(type.data, element.data) }),
  };
}

function encodeData(types: readonly NftDataType[], data: readonly string[]): Hex | Verdict {
  if (isVerdictMap({ data: types })) return parseVerdict(data[0] ?? "");
  return join(codecsOf(types).map((codec, i) => codec.encode(data[i] ?? "")));
}

/** The element that the kernel has, in canonical text. */
export function decodeElement(set: NftSet, element: SetElement): NftElement {
  const codecs = codecsOf(set.key);
  const firsts = split(codecs, element.key);
  const lasts = element.last === undefined ? firsts : split(codecs, element.last);
  const { data } = element;
  return {
    kind: "nft-element",
    namespace: set.namespace,
    ...(set.family && { family: set.family }),
    table: set.table,
    set: set.name,
    type: typeOf(set),
    key: codecs.map((codec, i) => decodePart(codec, firsts[i] ?? new Uint8Array(), lasts[i] ?? new Uint8Array())),
    ...(set.data && data !== undefined && { data: decodeData(set.data, data) }),
  };
}

function decodeData(types: readonly NftDataType[], data: Hex | Verdict): readonly string[] {
  if (typeof data !== "string") return [verdictText(data)];
  const codecs = codecsOf(types);
  const values = split(codecs, data);
  return codecs.map((codec, i) => codec.decode(values[i] ?? new Uint8Array()));
}

/** A single value, a prefix where the type is an address and the range is one, else a range. */
function decodePart(codec: ValueCodec, first: Uint8Array, last: Uint8Array): NftKeyPart {
  const from = codec.decode(first);
  if (Buffer.compare(first, last) === 0) return from;
  const isAddress = codec === valueTypes.ipv4_addr || codec === valueTypes.ipv6_addr;
  const bits = isAddress ? commonBits(first, last) : undefined;
  return bits === undefined ? { from, to: codec.decode(last) } : { prefix: `${from}/${bits}` };
}

/** The length of the prefix that holds exactly the addresses from `first` to `last`. */
function commonBits(first: Uint8Array, last: Uint8Array): number | undefined {
  const differing = first.findIndex((byte, i) => byte !== last[i]);
  const bits = 8 * differing + Math.clz32((first[differing] ?? 0) ^ (last[differing] ?? 0)) - 24;
  const mask = prefixMask(bits, first.length);
  const whole = first.every(
    (byte, i) => (byte & ~(mask[i] ?? 0)) === 0 && (byte | (~(mask[i] ?? 0) & 0xff)) === last[i],
  );
  return whole ? bits : undefined;
}

const plainVerdicts = ["accept", "drop", "continue", "break", "return"] as const;

/** Reads a verdict: `drop`, `jump NAME`; throws `invalid-argument`. */
export function parseVerdict(text: string): Verdict {
  const plain = plainVerdicts.find((verdict) => verdict === text);
  if (plain) return { verdict: plain };
  const [, verdict, chain] = /^(jump|goto) (\S+)$/.exec(text) ?? [];
  if ((verdict === "jump" || verdict === "goto") && chain) return { verdict, chain };
  throw new PortolanError("invalid-argument", `"${text}" is no verdict`, {
    advice: "give accept, drop, return, continue, jump CHAIN or goto CHAIN",
  });
}

/** A verdict as nft writes it. */
export function verdictText(verdict: Verdict): string {
  return "chain" in verdict ? `${verdict.verdict} ${verdict.chain}` : verdict.verdict;
}
