/** Expressions that end the rule unless a register holds what they ask for; and look-ups, which also map. */
import type { Attributes, AttributeWriter } from "../../attribute.ts";
import { type Hex, numberOf, type Register, readValue, required, writeValue } from "../values.ts";

/** enum nft_cmp_ops, by number; `<` and its like compare as big-endian numbers. */
const comparisons = ["==", "!=", "<", "<=", ">", ">="] as const;
export type Comparison = (typeof comparisons)[number];

/** Compares as many bytes as `value` has. */
export interface Compare {
  readonly type: "cmp";
  readonly operation: Comparison;
  readonly from: Register;
  readonly value: Hex;
}

/** NFTA_CMP_* */
const compareAttribute = { from: 1, operation: 2, value: 3 } as const;

export function encodeCompare(writer: AttributeWriter, expression: Compare): void {
  writer.be32(compareAttribute.from, expression.from);
  writer.be32(compareAttribute.operation, numberOf(comparisons, expression.operation));
  writeValue(writer, compareAttribute.value, expression.value);
}

export function decodeCompare(attributes: Attributes): Compare | undefined {
  const operation = comparisons[required(attributes, compareAttribute.operation).be32()];
  const value = readValue(required(attributes, compareAttribute.value));
  if (operation === undefined || value === undefined) return undefined;
  return { type: "cmp", operation, from: required(attributes, compareAttribute.from).be32(), value };
}

/** enum nft_range_ops, by number. */
const rangeOperations = ["==", "!="] as const;

/** Whether a register lies in (`==`) or outside (`!=`) a range, both ends included. */
export interface Range {
  readonly type: "range";
  readonly operation: (typeof rangeOperations)[number];
  readonly from: Register;
  readonly first: Hex;
  readonly last: Hex;
}

/** NFTA_RANGE_* */
const rangeAttribute = { from: 1, operation: 2, first: 3, last: 4 } as const;

export function encodeRange(writer: AttributeWriter, expression: Range): void {
  writer.be32(rangeAttribute.from, expression.from);
  writer.be32(rangeAttribute.operation, numberOf(rangeOperations, expression.operation));
  writeValue(writer, rangeAttribute.first, expression.first);
  writeValue(writer, rangeAttribute.last, expression.last);
}

export function decodeRange(attributes: Attributes): Range | undefined {
  const operation = rangeOperations[required(attributes, rangeAttribute.operation).be32()];
  const first = readValue(required(attributes, rangeAttribute.first));
  const last = readValue(required(attributes, rangeAttribute.last));
  if (operation === undefined || first === undefined || last === undefined) return undefined;
  return { type: "range", operation, from: required(attributes, rangeAttribute.from).be32(), first, last };
}

/** Looks the key that begins at `from` up in a set; with `to` in a map, whose value goes there (0: it is a verdict). */
export interface Lookup {
  readonly type: "lookup";
  readonly set: string;
  readonly from: Register;
  readonly to?: Register;
  /** Go on where the key is NOT in the set (NFT_LOOKUP_F_INV). */
  readonly inverted?: true;
}

/** NFTA_LOOKUP_* */
const lookupAttribute = { set: 1, from: 2, to: 3, setId: 4, flags: 5 } as const;

export function encodeLookup(writer: AttributeWriter, expression: Lookup): void {
  writer.string(lookupAttribute.set, expression.set);
  writer.be32(lookupAttribute.from, expression.from);
  if (expression.to !== undefined) writer.be32(lookupAttribute.to, expression.to);
  if (expression.inverted) writer.be32(lookupAttribute.flags, 1);
}

export function decodeLookup(attributes: Attributes): Lookup {
  const to = attributes.get(lookupAttribute.to)?.be32();
  const inverted = ((attributes.get(lookupAttribute.flags)?.be32() ?? 0) & 1) !== 0;
  return {
    type: "lookup",
    set: required(attributes, lookupAttribute.set).string(),
    from: required(attributes, lookupAttribute.from).be32(),
    ...(to !== undefined && { to }),
    ...(inverted && { inverted }),
  };
}
