/** Between sets as the engine describes them, in nft's words, and as the kernel stores them, by numbers and lengths. */
import { PortolanError } from "../../errors.ts";
import type { NamedSet, SetType } from "../../kernel/netlink/nftables/set.ts";
import type { NamespaceRef, NftDataType, NftSet, NftSetType } from "../objects.ts";
import { type ValueCodec, valueTypes } from "./value-type.ts";

/** The codecs of a key or datum; throws `invalid-argument` for a verdict, which is no value. */
export function codecsOf(types: readonly NftDataType[]): readonly ValueCodec[] {
  return types.map((type) => {
    if (type !== "verdict") return valueTypes[type];
    throw new PortolanError("invalid-argument", "a verdict can be the whole value of a map, and nothing else");
  });
}

/** Bytes that a part of a concatenation takes in registers. */
export const padded = (length: number): number => (length + 3) & ~3;
const typeBits = 6;

/** A lone value keeps its length; the parts of a concatenation are padded to registers. */
function setType(types: readonly NftDataType[]): SetType {
  const codecs = codecsOf(types);
  const [only] = codecs;
  if (only === undefined)
    throw new PortolanError("invalid-argument", "a set's key and a map's value have at least one part");
  if (codecs.length === 1) return { number: only.number, length: only.length, byteOrder: only.byteOrder };
  return {
    number: codecs.reduce((number, codec) => (number << typeBits) | codec.number, 0),
    length: codecs.reduce((length, codec) => length + padded(codec.length), 0),
  };
}

const typeNames = new Map<number, NftDataType>(
  (["ipv4_addr", "ipv6_addr", "ether_addr", "inet_proto", "inet_service", "ifname", "mark"] as const).map((name) => [
    valueTypes[name].number,
    name,
  ]),
);

/** The parts of a type number; undefined where one is no type of ours. */
function partsOfType(number: number): readonly NftDataType[] | undefined {
  const parts: NftDataType[] = [];
  for (let rest = number; rest > 0; rest >>>= typeBits) {
    const name = typeNames.get(rest & (2 ** typeBits - 1));
    if (name === undefined) return undefined;
    parts.unshift(name);
  }
  return parts.length > 0 ? parts : undefined;
}

/** Whether a map gives verdicts. */
export const isVerdictMap = (set: Pick<NftSetType, "data">): boolean =>
  set.data?.length === 1 && set.data[0] === "verdict";

/** The set as the kernel wants it; throws `invalid-argument` for a combination of types that there is not. */
export function encodeSetForm(set: NftSet): NamedSet {
  const interval = set.interval ?? false;
  if (interval && set.key.includes("mark")) {
    throw new PortolanError(
      "invalid-argument",
      "ranges of marks cannot be compared: they are not in network byte order",
      {
        object: `nft set ${set.name}`,
      },
    );
  }
  return {
    table: set.table,
    name: set.name,
    key: setType(set.key),
    ...(set.data && { data: isVerdictMap(set) ? "verdict" : setType(set.data) }),
    interval,
    ...(interval && set.key.length > 1 && { fields: codecsOf(set.key).map((codec) => codec.length) }),
  };
}

/** The set that the kernel has; undefined where its types are none of ours. */
export function decodeSetForm(namespace: NamespaceRef, set: NamedSet, family?: NftSet["family"]): NftSet | undefined {
  const key = partsOfType(set.key.number);
  const data = set.data === "verdict" ? (["verdict"] as const) : set.data && partsOfType(set.data.number);
  if (key === undefined || (set.data !== undefined && data === undefined)) return undefined;
  return {
    kind: "nft-set",
    namespace,
    ...(family && { family }),
    table: set.table,
    name: set.name,
    key,
    ...(data && { data }),
    ...(set.interval && { interval: true }),
  };
}
