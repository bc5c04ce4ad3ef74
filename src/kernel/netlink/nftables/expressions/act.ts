/** Expressions that do something beside deciding: count, limit, log, refuse, leave untracked. */
import type { Attributes, AttributeWriter } from "../../attribute.ts";
import { numberOf, required } from "../values.ts";

/** Counts packets and bytes. The numbers themselves are no part of the expression: they change by themselves. */
export interface Counter {
  readonly type: "counter";
}

/** Leaves the packet out of connection tracking. */
export interface NoTrack {
  readonly type: "notrack";
}

/** enum nft_reject_types, by number. */
const refusals = ["icmp", "tcp-reset", "icmpx"] as const;
/** enum nft_reject_inet_code, by number: codes that fit IPv4 and IPv6 alike. */
const icmpxCodes = ["no-route", "port-unreachable", "host-unreachable", "admin-prohibited"] as const;
export type IcmpxCode = (typeof icmpxCodes)[number];

/** Drops the packet and tells the sender. */
export type Reject =
  | { readonly type: "reject"; readonly with: "tcp-reset" }
  | { readonly type: "reject"; readonly with: "icmpx"; readonly code: IcmpxCode }
  /** A code of ICMP or ICMPv6, whichever the packet is. */
  | { readonly type: "reject"; readonly with: "icmp"; readonly code: number };

/** NFTA_REJECT_*; the code is a single byte. */
const rejectAttribute = { type: 1, code: 2 } as const;

export function encodeReject(writer: AttributeWriter, expression: Reject): void {
  writer.be32(rejectAttribute.type, numberOf(refusals, expression.with));
  if (expression.with === "icmp") writer.u8(rejectAttribute.code, expression.code);
  if (expression.with === "icmpx") writer.u8(rejectAttribute.code, numberOf(icmpxCodes, expression.code));
}

export function decodeReject(attributes: Attributes): Reject | undefined {
  const refusal = refusals[required(attributes, rejectAttribute.type).be32()];
  if (refusal === undefined) return undefined;
  if (refusal === "tcp-reset") return { type: "reject", with: refusal };
  const number = required(attributes, rejectAttribute.code).u8();
  if (refusal === "icmp") return { type: "reject", with: refusal, code: number };
  const code = icmpxCodes[number];
  return code && { type: "reject", with: refusal, code };
}

/** Lets pass what stays below a rate, or with `over` what exceeds it. */
export interface Limit {
  readonly type: "limit";
  readonly of: "packets" | "bytes";
  /** Packets or bytes each `per` seconds. */
  readonly rate: number;
  /** Seconds: 1, 60, 3600, 86400 or 604800. */
  readonly per: number;
  readonly burst: number;
  readonly over?: true;
}

/** NFTA_LIMIT_*; rate and unit have 64 bits. */
const limitAttribute = { rate: 1, unit: 2, burst: 3, type: 4, flags: 5 } as const;

export function encodeLimit(writer: AttributeWriter, expression: Limit): void {
  writer.be64(limitAttribute.rate, BigInt(expression.rate));
  writer.be64(limitAttribute.unit, BigInt(expression.per));
  writer.be32(limitAttribute.burst, expression.burst);
  writer.be32(limitAttribute.type, expression.of === "packets" ? 0 : 1);
  if (expression.over) writer.be32(limitAttribute.flags, 1);
}

export function decodeLimit(attributes: Attributes): Limit | undefined {
  const of = (["packets", "bytes"] as const)[required(attributes, limitAttribute.type).be32()];
  const rate = Number(required(attributes, limitAttribute.rate).be64());
  const per = Number(required(attributes, limitAttribute.unit).be64());
  if (of === undefined || !Number.isSafeInteger(rate) || !Number.isSafeInteger(per)) return undefined;
  const over = ((attributes.get(limitAttribute.flags)?.be32() ?? 0) & 1) !== 0;
  const burst = required(attributes, limitAttribute.burst).be32();
  return { type: "limit", of, rate, per, burst, ...(over && { over }) };
}

/** enum nft_log_level, by number. */
const logLevels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"] as const;

/** Writes the packet to the kernel log, or with `group` to the listeners of that netlink group. */
export interface Log {
  readonly type: "log";
  readonly prefix?: string;
  /** `warn` where absent; not with `group`. */
  readonly level?: Exclude<(typeof logLevels)[number], "warn">;
  readonly group?: number;
  /** Bytes of the packet to hand over; all where absent. */
  readonly snapLength?: number;
  /** Packets to gather before they are handed over. */
  readonly queueThreshold?: number;
  /** NF_LOG_* bits (linux/netfilter/nf_log.h). */
  readonly flags?: number;
}

/** NFTA_LOG_*; group and threshold have 16 bits. */
const logAttribute = { group: 1, prefix: 2, snapLength: 3, threshold: 4, level: 5, flags: 6 } as const;

export function encodeLog(writer: AttributeWriter, expression: Log): void {
  const { group, prefix, snapLength, queueThreshold, level, flags } = expression;
  if (group !== undefined) writer.be16(logAttribute.group, group);
  if (prefix !== undefined) writer.string(logAttribute.prefix, prefix);
  if (snapLength !== undefined) writer.be32(logAttribute.snapLength, snapLength);
  if (queueThreshold !== undefined) writer.be16(logAttribute.threshold, queueThreshold);
  if (level !== undefined) writer.be32(logAttribute.level, numberOf(logLevels, level));
  if (flags !== undefined) writer.be32(logAttribute.flags, flags);
}

export function decodeLog(attributes: Attributes): Log | undefined {
  const level = logLevels[attributes.get(logAttribute.level)?.be32() ?? 4];
  if (level === undefined) return undefined;
  const group = attributes.get(logAttribute.group)?.be16();
  const prefix = attributes.get(logAttribute.prefix)?.string();
  const snapLength = attributes.get(logAttribute.snapLength)?.be32();
  const queueThreshold = attributes.get(logAttribute.threshold)?.be16();
  const flags = attributes.get(logAttribute.flags)?.be32();
  return {
    type: "log",
    ...(prefix && { prefix }),
    ...(level !== "warn" && { level }),
    ...(group !== undefined && { group }),
    ...(snapLength && { snapLength }),
    ...(queueThreshold && { queueThreshold }),
    ...(flags && { flags }),
  };
}
