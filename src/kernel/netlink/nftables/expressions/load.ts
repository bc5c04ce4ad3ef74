/** Expressions that load something about the packet into a register, and those that write into the packet or set metadata of it or its connection. */
import type { Attributes, AttributeWriter } from "../../attribute.ts";
import { bitsOfNames, namesOfBits, numberOf, type Register, required } from "../values.ts";

/** enum nft_meta_keys, by number. */
export const metaKeys = [
  "len",
  "protocol",
  "priority",
  "mark",
  "iif",
  "oif",
  "iifname",
  "oifname",
  "iiftype",
  "oiftype",
  "skuid",
  "skgid",
  "nftrace",
  "rtclassid",
  "secmark",
  "nfproto",
  "l4proto",
  "ibrname",
  "obrname",
  "pkttype",
  "cpu",
  "iifgroup",
  "oifgroup",
  "cgroup",
  "random",
  "ipsec",
  "iifkind",
  "oifkind",
  "ibrpvid",
  "ibrvproto",
  "time",
  "day",
  "hour",
  "sdif",
  "sdifname",
] as const;
export type MetaKey = (typeof metaKeys)[number];

/** Loads packet metadata. */
export interface MetaLoad {
  readonly type: "meta";
  readonly key: MetaKey;
  readonly to: Register;
}

/** Sets packet metadata: mark, priority, nftrace… */
export interface MetaSet {
  readonly type: "meta-set";
  readonly key: MetaKey;
  readonly from: Register;
}

/** NFTA_META_* */
const metaAttribute = { to: 1, key: 2, from: 3 } as const;

export function encodeMeta(writer: AttributeWriter, expression: MetaLoad | MetaSet): void {
  writer.be32(metaAttribute.key, numberOf(metaKeys, expression.key));
  if (expression.type === "meta") writer.be32(metaAttribute.to, expression.to);
  else writer.be32(metaAttribute.from, expression.from);
}

export function decodeMeta(attributes: Attributes): MetaLoad | MetaSet | undefined {
  const key = metaKeys[required(attributes, metaAttribute.key).be32()];
  if (key === undefined) return undefined;
  const to = attributes.get(metaAttribute.to);
  if (to) return { type: "meta", key, to: to.be32() };
  return { type: "meta-set", key, from: required(attributes, metaAttribute.from).be32() };
}

/** enum nft_payload_bases, by number. */
const payloadBases = ["link", "network", "transport", "inner"] as const;

/** Loads bytes of the packet, counted from the start of a header. */
export interface Payload {
  readonly type: "payload";
  readonly base: (typeof payloadBases)[number];
  readonly offset: number;
  readonly length: number;
  readonly to: Register;
}

/** Writes a register into the packet, and corrects a checksum. */
export interface PayloadSet {
  readonly type: "payload-set";
  readonly base: (typeof payloadBases)[number];
  readonly offset: number;
  readonly length: number;
  readonly from: Register;
  /** Where the internet checksum (RFC 1071) stands that covers these bytes, counted from the same header. */
  readonly checksum: number;
}

/** NFTA_PAYLOAD_* */
const payloadAttribute = {
  to: 1,
  base: 2,
  offset: 3,
  length: 4,
  from: 5,
  checksumType: 6,
  checksumOffset: 7,
  checksumFlags: 8,
} as const;
/** NFT_PAYLOAD_CSUM_INET */
const internetChecksum = 1;

export function encodePayload(writer: AttributeWriter, expression: Payload | PayloadSet): void {
  if (expression.type === "payload") writer.be32(payloadAttribute.to, expression.to);
  else writer.be32(payloadAttribute.from, expression.from);
  writer.be32(payloadAttribute.base, numberOf(payloadBases, expression.base));
  writer.be32(payloadAttribute.offset, expression.offset);
  writer.be32(payloadAttribute.length, expression.length);
  if (expression.type === "payload") return;
  writer.be32(payloadAttribute.checksumType, internetChecksum);
  writer.be32(payloadAttribute.checksumOffset, expression.checksum);
}

/** Undefined for an expression that corrects no checksum, or by pseudo header (NFTA_PAYLOAD_CSUM_FLAGS), which the engine never makes. */
export function decodePayload(attributes: Attributes): Payload | PayloadSet | undefined {
  const base = payloadBases[required(attributes, payloadAttribute.base).be32()];
  if (base === undefined) return undefined;
  const offset = required(attributes, payloadAttribute.offset).be32();
  const length = required(attributes, payloadAttribute.length).be32();
  const to = attributes.get(payloadAttribute.to);
  if (to !== undefined) return { type: "payload", base, offset, length, to: to.be32() };
  const isOurs =
    attributes.get(payloadAttribute.checksumType)?.be32() === internetChecksum &&
    (attributes.get(payloadAttribute.checksumFlags)?.be32() ?? 0) === 0;
  if (!isOurs) return undefined;
  const from = required(attributes, payloadAttribute.from).be32();
  const checksum = required(attributes, payloadAttribute.checksumOffset).be32();
  return { type: "payload-set", base, offset, length, from, checksum };
}

/** enum nft_ct_keys, by number. */
export const ctKeys = [
  "state",
  "direction",
  "status",
  "mark",
  "secmark",
  "expiration",
  "helper",
  "l3proto",
  "src",
  "dst",
  "protocol",
  "proto-src",
  "proto-dst",
  "label",
  "packets",
  "bytes",
  "avgpkt",
  "zone",
  "event",
  "src-ip",
  "dst-ip",
  "src-ip6",
  "dst-ip6",
  "id",
] as const;
export type CtKey = (typeof ctKeys)[number];
/** enum ip_conntrack_dir, by number. */
const directions = ["original", "reply"] as const;
export type CtDirection = (typeof directions)[number];

/** Loads something about the packet's connection, of one direction where the key has two. */
export interface CtLoad {
  readonly type: "ct";
  readonly key: CtKey;
  readonly direction?: CtDirection;
  readonly to: Register;
}

/** Sets something of the packet's connection: its mark. */
export interface CtSet {
  readonly type: "ct-set";
  readonly key: CtKey;
  readonly from: Register;
}

/** NFTA_CT_*; the direction is a single byte. */
const ctAttribute = { to: 1, key: 2, direction: 3, from: 4 } as const;

export function encodeCt(writer: AttributeWriter, expression: CtLoad | CtSet): void {
  writer.be32(ctAttribute.key, numberOf(ctKeys, expression.key));
  if (expression.type === "ct-set") {
    writer.be32(ctAttribute.from, expression.from);
    return;
  }
  writer.be32(ctAttribute.to, expression.to);
  if (expression.direction) writer.u8(ctAttribute.direction, numberOf(directions, expression.direction));
}

export function decodeCt(attributes: Attributes): CtLoad | CtSet | undefined {
  const key = ctKeys[required(attributes, ctAttribute.key).be32()];
  if (key === undefined) return undefined;
  const to = attributes.get(ctAttribute.to);
  if (to === undefined) return { type: "ct-set", key, from: required(attributes, ctAttribute.from).be32() };
  const side = attributes.get(ctAttribute.direction);
  const direction = side && directions[side.u8()];
  return { type: "ct", key, ...(direction && { direction }), to: to.be32() };
}

/** NFTA_FIB_F_*, by bit: what the route look-up asks with; `present` makes the result a mere yes or no. */
const fibFlags = ["saddr", "daddr", "mark", "iif", "oif", "present"] as const;
export type FibFlag = (typeof fibFlags)[number];
/** enum nft_fib_result, by number. */
const fibResults = ["unspecified", "oif", "oifname", "type"] as const;

/** Loads the result of a route look-up for the packet. */
export interface Fib {
  readonly type: "fib";
  /** In the order of {@link FibFlag}'s bits: saddr, daddr, mark, iif, oif, present. */
  readonly flags: readonly FibFlag[];
  readonly result: (typeof fibResults)[number];
  readonly to: Register;
}

/** NFTA_FIB_* */
const fibAttribute = { to: 1, result: 2, flags: 3 } as const;

export function encodeFib(writer: AttributeWriter, expression: Fib): void {
  writer.be32(fibAttribute.to, expression.to);
  writer.be32(fibAttribute.result, numberOf(fibResults, expression.result));
  writer.be32(fibAttribute.flags, bitsOfNames(fibFlags, expression.flags));
}

export function decodeFib(attributes: Attributes): Fib | undefined {
  const result = fibResults[required(attributes, fibAttribute.result).be32()];
  const flags = namesOfBits(fibFlags, required(attributes, fibAttribute.flags).be32());
  if (result === undefined || flags === undefined) return undefined;
  return { type: "fib", flags, result, to: required(attributes, fibAttribute.to).be32() };
}
