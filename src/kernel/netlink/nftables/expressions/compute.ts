/** Expressions that compute a register's value: constants, masks, number generators, hashes. */
import type { Attributes, AttributeWriter } from "../../attribute.ts";
import { type Hex, numberOf, type Register, readValue, required, verdictRegister, writeValue } from "../values.ts";
import { readVerdict, type Verdict, writeVerdict } from "../verdict.ts";

/** Loads a constant. */
export interface Immediate {
  readonly type: "immediate";
  readonly value: Hex;
  readonly to: Register;
}

/** Ends the rule with a verdict (an immediate expression on the verdict register). */
export type VerdictExpression = { readonly type: "verdict" } & Verdict;

/** NFTA_IMMEDIATE_* */
const immediateAttribute = { to: 1, data: 2 } as const;

export function encodeImmediate(writer: AttributeWriter, expression: Immediate | VerdictExpression): void {
  if (expression.type === "verdict") {
    writer.be32(immediateAttribute.to, verdictRegister);
    writeVerdict(writer, immediateAttribute.data, expression);
    return;
  }
  writer.be32(immediateAttribute.to, expression.to);
  writeValue(writer, immediateAttribute.data, expression.value);
}

export function decodeImmediate(attributes: Attributes): Immediate | VerdictExpression | undefined {
  const to = required(attributes, immediateAttribute.to).be32();
  const data = required(attributes, immediateAttribute.data);
  if (to === verdictRegister) {
    const verdict = readVerdict(data);
    return verdict && { type: "verdict", ...verdict };
  }
  const value = readValue(data);
  return value === undefined ? undefined : { type: "immediate", value, to };
}

/** `to = (from & mask) ^ xor` over `length` bytes (NFT_BITWISE_MASK_XOR). */
export interface Bitwise {
  readonly type: "bitwise";
  readonly from: Register;
  readonly to: Register;
  readonly length: number;
  readonly mask: Hex;
  readonly xor: Hex;
}

/** NFTA_BITWISE_* */
const bitwiseAttribute = { from: 1, to: 2, length: 3, mask: 4, xor: 5, operation: 6 } as const;

export function encodeBitwise(writer: AttributeWriter, expression: Bitwise): void {
  writer.be32(bitwiseAttribute.from, expression.from);
  writer.be32(bitwiseAttribute.to, expression.to);
  writer.be32(bitwiseAttribute.length, expression.length);
  writeValue(writer, bitwiseAttribute.mask, expression.mask);
  writeValue(writer, bitwiseAttribute.xor, expression.xor);
}

/** Undefined for shifts and other operations. */
export function decodeBitwise(attributes: Attributes): Bitwise | undefined {
  if ((attributes.get(bitwiseAttribute.operation)?.be32() ?? 0) !== 0) return undefined;
  const mask = readValue(required(attributes, bitwiseAttribute.mask));
  const xor = readValue(required(attributes, bitwiseAttribute.xor));
  if (mask === undefined || xor === undefined) return undefined;
  return {
    type: "bitwise",
    from: required(attributes, bitwiseAttribute.from).be32(),
    to: required(attributes, bitwiseAttribute.to).be32(),
    length: required(attributes, bitwiseAttribute.length).be32(),
    mask,
    xor,
  };
}

/** enum nft_ng_types, by number. */
const numberModes = ["incremental", "random"] as const;

/** Loads a number from `offset` (0 where absent) to `offset + modulus - 1`, in turn or at random. */
export interface NumberGenerator {
  readonly type: "numgen";
  readonly mode: (typeof numberModes)[number];
  readonly modulus: number;
  readonly offset?: number;
  readonly to: Register;
}

/** NFTA_NG_* */
const numberAttribute = { to: 1, modulus: 2, mode: 3, offset: 4 } as const;

export function encodeNumberGenerator(writer: AttributeWriter, expression: NumberGenerator): void {
  writer.be32(numberAttribute.to, expression.to);
  writer.be32(numberAttribute.modulus, expression.modulus);
  writer.be32(numberAttribute.mode, numberOf(numberModes, expression.mode));
  writer.be32(numberAttribute.offset, expression.offset ?? 0);
}

export function decodeNumberGenerator(attributes: Attributes): NumberGenerator | undefined {
  const mode = numberModes[required(attributes, numberAttribute.mode).be32()];
  if (mode === undefined) return undefined;
  const offset = attributes.get(numberAttribute.offset)?.be32() ?? 0;
  return {
    type: "numgen",
    mode,
    modulus: required(attributes, numberAttribute.modulus).be32(),
    ...(offset !== 0 && { offset }),
    to: required(attributes, numberAttribute.to).be32(),
  };
}

/** Loads the Jenkins hash of `length` bytes, from `offset` (0 where absent) to `offset + modulus - 1`. */
export interface JenkinsHash {
  readonly type: "jhash";
  readonly from: Register;
  readonly length: number;
  readonly modulus: number;
  /** Absent: the kernel makes one up for this rule. */
  readonly seed?: number;
  readonly offset?: number;
  readonly to: Register;
}

/** NFTA_HASH_*; the type is 0 for NFT_HASH_JENKINS. */
const hashAttribute = { from: 1, to: 2, length: 3, modulus: 4, seed: 5, offset: 6, type: 7 } as const;

export function encodeHash(writer: AttributeWriter, expression: JenkinsHash): void {
  writer.be32(hashAttribute.from, expression.from);
  writer.be32(hashAttribute.to, expression.to);
  writer.be32(hashAttribute.length, expression.length);
  writer.be32(hashAttribute.modulus, expression.modulus);
  if (expression.seed !== undefined) writer.be32(hashAttribute.seed, expression.seed);
  if (expression.offset) writer.be32(hashAttribute.offset, expression.offset);
  writer.be32(hashAttribute.type, 0);
}

/** Undefined for the symmetric hash. */
export function decodeHash(attributes: Attributes): JenkinsHash | undefined {
  if ((attributes.get(hashAttribute.type)?.be32() ?? 0) !== 0) return undefined;
  const seed = attributes.get(hashAttribute.seed)?.be32();
  const offset = attributes.get(hashAttribute.offset)?.be32() ?? 0;
  return {
    type: "jhash",
    from: required(attributes, hashAttribute.from).be32(),
    length: required(attributes, hashAttribute.length).be32(),
    modulus: required(attributes, hashAttribute.modulus).be32(),
    ...(seed !== undefined && { seed }),
    ...(offset !== 0 && { offset }),
    to: required(attributes, hashAttribute.to).be32(),
  };
}
