/** Address translation: snat, dnat, masquerade, redirect. */
import type { Family } from "../../../../address/ip.ts";
import type { Attributes, AttributeWriter } from "../../attribute.ts";
import { bitsOfNames, type Register, required } from "../values.ts";

/**
 * NF_NAT_RANGE_*, by bit (linux/netfilter/nf_nat.h). The kernel derives `map-ips` and `proto-specified` from the registers that are given, so
 * they never appear in an expression.
 */
const rangeFlags = [
  "map-ips",
  "proto-specified",
  "random",
  "persistent",
  "fully-random",
  "proto-offset",
  "netmap",
] as const;
const derived = 0b11;
const natFlags = ["random", "persistent", "fully-random", "proto-offset", "netmap"] as const;
export type NatFlag = (typeof natFlags)[number];

/** A register, or the two of a range. */
export interface RegisterRange {
  readonly first: Register;
  /** Absent where it is `first`. */
  readonly last?: Register;
}

/** Rewrites source or destination. */
export interface Nat {
  readonly type: "nat";
  readonly kind: "snat" | "dnat";
  /** `inet` only where no address is rewritten. */
  readonly family: Family | "inet";
  readonly address?: RegisterRange;
  readonly port?: RegisterRange;
  /** In the order of {@link NatFlag}'s bits. */
  readonly flags?: readonly NatFlag[];
}

/** Rewrites the source to the address of the outgoing link. */
export interface Masquerade {
  readonly type: "masquerade";
  readonly port?: RegisterRange;
  readonly flags?: readonly NatFlag[];
}

/** Rewrites the destination to this host. */
export interface Redirect {
  readonly type: "redirect";
  readonly port?: RegisterRange;
  readonly flags?: readonly NatFlag[];
}

interface PairOfAttributes {
  readonly first: number;
  readonly last: number;
}

function writeRange(writer: AttributeWriter, attribute: PairOfAttributes, range: RegisterRange | undefined): void {
  if (range === undefined) return;
  writer.be32(attribute.first, range.first);
  if (range.last !== undefined) writer.be32(attribute.last, range.last);
}

/** The kernel prints a single register as a range of itself. */
function readRange(attributes: Attributes, attribute: PairOfAttributes): RegisterRange | undefined {
  const first = attributes.get(attribute.first)?.be32();
  if (first === undefined) return undefined;
  const last = attributes.get(attribute.last)?.be32();
  return { first, ...(last !== undefined && last !== first && { last }) };
}

function writeFlags(writer: AttributeWriter, attribute: number, flags: readonly NatFlag[] | undefined): void {
  if (flags !== undefined && flags.length > 0) writer.be32(attribute, bitsOfNames(rangeFlags, flags));
}

/** Absent where none remains without the derived ones; `unknown` where the kernel knows a flag that this list does not. */
function readFlags(attributes: Attributes, attribute: number): { readonly flags?: readonly NatFlag[] } | "unknown" {
  const bits = (attributes.get(attribute)?.be32() ?? 0) & ~derived;
  if (bits >>> rangeFlags.length !== 0) return "unknown";
  if (bits === 0) return {};
  return { flags: natFlags.filter((flag) => bits & bitsOfNames(rangeFlags, [flag])) };
}

/** NFTA_NAT_* */
const natAttribute = {
  type: 1,
  family: 2,
  address: { first: 3, last: 4 },
  port: { first: 5, last: 6 },
  flags: 7,
} as const;
/** NFPROTO_* */
const familyNumbers = { inet: 1, 4: 2, 6: 10 } as const;
const families = new Map<number, Nat["family"]>([
  [familyNumbers.inet, "inet"],
  [familyNumbers[4], 4],
  [familyNumbers[6], 6],
]);

export function encodeNat(writer: AttributeWriter, expression: Nat): void {
  writer.be32(natAttribute.type, expression.kind === "snat" ? 0 : 1);
  writer.be32(natAttribute.family, familyNumbers[expression.family]);
  writeRange(writer, natAttribute.address, expression.address);
  writeRange(writer, natAttribute.port, expression.port);
  writeFlags(writer, natAttribute.flags, expression.flags);
}

export function decodeNat(attributes: Attributes): Nat | undefined {
  const kind = (["snat", "dnat"] as const)[required(attributes, natAttribute.type).be32()];
  const family = families.get(required(attributes, natAttribute.family).be32());
  const flags = readFlags(attributes, natAttribute.flags);
  if (kind === undefined || family === undefined || flags === "unknown") return undefined;
  const address = readRange(attributes, natAttribute.address);
  const port = readRange(attributes, natAttribute.port);
  return {
    type: "nat",
    kind,
    family,
    ...(address && { address }),
    ...(port && { port }),
    ...flags,
  };
}

/** NFTA_MASQ_* */
const masqueradeAttribute = { flags: 1, port: { first: 2, last: 3 } } as const;
/** NFTA_REDIR_* */
const redirectAttribute = { port: { first: 1, last: 2 }, flags: 3 } as const;

export function encodeMasquerade(writer: AttributeWriter, expression: Masquerade): void {
  writeFlags(writer, masqueradeAttribute.flags, expression.flags);
  writeRange(writer, masqueradeAttribute.port, expression.port);
}

export function decodeMasquerade(attributes: Attributes): Masquerade | undefined {
  const flags = readFlags(attributes, masqueradeAttribute.flags);
  if (flags === "unknown") return undefined;
  const port = readRange(attributes, masqueradeAttribute.port);
  return { type: "masquerade", ...(port && { port }), ...flags };
}

export function encodeRedirect(writer: AttributeWriter, expression: Redirect): void {
  writeRange(writer, redirectAttribute.port, expression.port);
  writeFlags(writer, redirectAttribute.flags, expression.flags);
}

export function decodeRedirect(attributes: Attributes): Redirect | undefined {
  const flags = readFlags(attributes, redirectAttribute.flags);
  if (flags === "unknown") return undefined;
  const port = readRange(attributes, redirectAttribute.port);
  return { type: "redirect", ...(port && { port }), ...flags };
}
