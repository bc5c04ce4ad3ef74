/**
 * Expressions: the instructions a rule consists of (linux/netfilter/nf_tables.h, enum nft_expr_attributes). Plain data in the
 * form that decoding the kernel's own dump gives, so that two rules are the same exactly if their expressions are deeply equal.
 * Readable ones are built with src/state/nft; nothing here knows a packet header.
 */
import { type Attribute, AttributeWriter, readAttributes } from "../attribute.ts";
import {
  type Counter,
  decodeLimit,
  decodeLog,
  decodeReject,
  encodeLimit,
  encodeLog,
  encodeReject,
  type Limit,
  type Log,
  type NoTrack,
  type Reject,
} from "./expressions/act.ts";
import {
  type Compare,
  decodeCompare,
  decodeLookup,
  decodeRange,
  encodeCompare,
  encodeLookup,
  encodeRange,
  type Lookup,
  type Range,
} from "./expressions/compare.ts";
import {
  type Bitwise,
  decodeBitwise,
  decodeHash,
  decodeImmediate,
  decodeNumberGenerator,
  encodeBitwise,
  encodeHash,
  encodeImmediate,
  encodeNumberGenerator,
  type Immediate,
  type JenkinsHash,
  type NumberGenerator,
  type VerdictExpression,
} from "./expressions/compute.ts";
import {
  type CtLoad,
  type CtSet,
  decodeCt,
  decodeFib,
  decodeMeta,
  decodePayload,
  encodeCt,
  encodeFib,
  encodeMeta,
  encodePayload,
  type Fib,
  type MetaLoad,
  type MetaSet,
  type Payload,
  type PayloadSet,
} from "./expressions/load.ts";
import {
  decodeMasquerade,
  decodeNat,
  decodeRedirect,
  encodeMasquerade,
  encodeNat,
  encodeRedirect,
  type Masquerade,
  type Nat,
  type Redirect,
} from "./expressions/translate.ts";
import { bytesToHex, type Hex, hexToBytes, required } from "./values.ts";

export type * from "./expressions/act.ts";
export type * from "./expressions/compare.ts";
export type * from "./expressions/compute.ts";
export type * from "./expressions/load.ts";
export type * from "./expressions/translate.ts";
export type { Hex, Register } from "./values.ts";
export type { Verdict } from "./verdict.ts";

/** An expression that the engine never makes, met in somebody's rule: kept as it is. */
export interface UnknownExpression {
  readonly type: "unknown";
  /** The kernel's name of it. */
  readonly name: string;
  /** NFTA_EXPR_DATA. */
  readonly data: Hex;
}

export type Expression =
  | MetaLoad
  | MetaSet
  | Payload
  | PayloadSet
  | CtLoad
  | CtSet
  | Fib
  | Immediate
  | VerdictExpression
  | Bitwise
  | NumberGenerator
  | JenkinsHash
  | Compare
  | Range
  | Lookup
  | Nat
  | Masquerade
  | Redirect
  | Counter
  | NoTrack
  | Reject
  | Limit
  | Log
  | UnknownExpression;

/** NFTA_LIST_ELEM */
const listElement = 1;
/** NFTA_EXPR_* */
const attribute = { name: 1, data: 2 } as const;

/** The kernel's name of an expression. */
function kernelName(expression: Expression): string {
  switch (expression.type) {
    case "meta-set":
      return "meta";
    case "payload-set":
      return "payload";
    case "ct-set":
      return "ct";
    case "verdict":
      return "immediate";
    case "jhash":
      return "hash";
    case "masquerade":
      return "masq";
    case "redirect":
      return "redir";
    case "unknown":
      return expression.name;
    default:
      return expression.type;
  }
}

function encodeData(writer: AttributeWriter, expression: Exclude<Expression, UnknownExpression>): void {
  switch (expression.type) {
    case "meta":
    case "meta-set":
      encodeMeta(writer, expression);
      break;
    case "payload":
    case "payload-set":
      encodePayload(writer, expression);
      break;
    case "ct":
    case "ct-set":
      encodeCt(writer, expression);
      break;
    case "fib":
      encodeFib(writer, expression);
      break;
    case "immediate":
    case "verdict":
      encodeImmediate(writer, expression);
      break;
    case "bitwise":
      encodeBitwise(writer, expression);
      break;
    case "numgen":
      encodeNumberGenerator(writer, expression);
      break;
    case "jhash":
      encodeHash(writer, expression);
      break;
    case "cmp":
      encodeCompare(writer, expression);
      break;
    case "range":
      encodeRange(writer, expression);
      break;
    case "lookup":
      encodeLookup(writer, expression);
      break;
    case "nat":
      encodeNat(writer, expression);
      break;
    case "masquerade":
      encodeMasquerade(writer, expression);
      break;
    case "redirect":
      encodeRedirect(writer, expression);
      break;
    case "reject":
      encodeReject(writer, expression);
      break;
    case "limit":
      encodeLimit(writer, expression);
      break;
    case "log":
      encodeLog(writer, expression);
      break;
    case "counter":
    case "notrack":
      break;
  }
}

function decodeData(name: string, data: Uint8Array): Expression | undefined {
  switch (name) {
    case "meta":
      return decodeMeta(readAttributes(data));
    case "payload":
      return decodePayload(readAttributes(data));
    case "ct":
      return decodeCt(readAttributes(data));
    case "fib":
      return decodeFib(readAttributes(data));
    case "immediate":
      return decodeImmediate(readAttributes(data));
    case "bitwise":
      return decodeBitwise(readAttributes(data));
    case "numgen":
      return decodeNumberGenerator(readAttributes(data));
    case "hash":
      return decodeHash(readAttributes(data));
    case "cmp":
      return decodeCompare(readAttributes(data));
    case "range":
      return decodeRange(readAttributes(data));
    case "lookup":
      return decodeLookup(readAttributes(data));
    case "nat":
      return decodeNat(readAttributes(data));
    case "masq":
      return decodeMasquerade(readAttributes(data));
    case "redir":
      return decodeRedirect(readAttributes(data));
    case "reject":
      return decodeReject(readAttributes(data));
    case "limit":
      return decodeLimit(readAttributes(data));
    case "log":
      return decodeLog(readAttributes(data));
    case "counter":
      return { type: "counter" };
    case "notrack":
      return { type: "notrack" };
    default:
      return undefined;
  }
}

/** Writes a nested attribute that holds a list of expressions (NFTA_RULE_EXPRESSIONS). */
export function writeExpressions(writer: AttributeWriter, type: number, expressions: readonly Expression[]): void {
  writer.nested(type, () => {
    for (const expression of expressions) {
      writer.nested(listElement, () => {
        writer.string(attribute.name, kernelName(expression));
        if (expression.type === "unknown") writer.bytes(attribute.data, hexToBytes(expression.data));
        else writer.nested(attribute.data, () => encodeData(writer, expression));
      });
    }
  });
}

/** Reads what {@link writeExpressions} wrote, or the kernel's dump of it; throws `kernel` on malformed bytes. */
export function readExpressions(list: Attribute): readonly Expression[] {
  return list.list().map((element) => {
    const attributes = element.nested();
    const name = required(attributes, attribute.name).string();
    const data = attributes.get(attribute.data)?.value ?? Buffer.alloc(0);
    return decodeData(name, data) ?? { type: "unknown", name, data: bytesToHex(data) };
  });
}

/** Expressions as the kernel would print them back; two rules are the same exactly if these are deeply equal. */
export function canonicalExpressions(expressions: readonly Expression[]): readonly Expression[] {
  const writer = new AttributeWriter();
  writeExpressions(writer, listElement, expressions);
  const list = readAttributes(writer.finish()).get(listElement);
  return list ? readExpressions(list) : [];
}
