/** Statements that act, in the words of the nft tool. */
import type {
  Expression,
  Limit,
  Log,
  Masquerade,
  Nat,
  NatFlag,
  Redirect,
  Register,
  RegisterRange,
} from "../../kernel/netlink/nftables/expressions.ts";
import { type Content, unwritable } from "./register-text.ts";
import { bytesText, quoted } from "./value-text.ts";
import type { ValueType } from "./value-type.ts";

/** The text of a statement that takes nothing from registers; throws `internal` for one without text. */
export function actionText(expression: Expression): string {
  switch (expression.type) {
    case "counter":
      return "counter";
    case "notrack":
      return "notrack";
    case "reject":
      if (expression.with === "tcp-reset") return "reject with tcp reset";
      if (expression.with === "icmpx") return `reject with icmpx ${expression.code}`;
      throw unwritable(expression);
    case "limit":
      return limitText(expression);
    case "log":
      return logText(expression);
    default:
      throw unwritable(expression);
  }
}

const units = new Map([
  [1, "second"],
  [60, "minute"],
  [3600, "hour"],
  [86400, "day"],
  [604800, "week"],
]);

function limitText(limit: Limit): string {
  const unit = units.get(limit.per);
  if (unit === undefined) throw unwritable(limit);
  const rate = `limit rate ${limit.over ? "over " : ""}${limit.rate}`;
  if (limit.of === "packets") return `${rate}/${unit} burst ${limit.burst} packets`;
  return `${rate} bytes/${unit}${limit.burst > 0 ? ` burst ${limit.burst} bytes` : ""}`;
}

/** NF_LOG_* bits, in nft's words. */
const logFlags: readonly (readonly [number, string])[] = [
  [0x01, "flags tcp sequence"],
  [0x02, "flags tcp options"],
  [0x04, "flags ip options"],
  [0x08, "flags skuid"],
  [0x20, "flags ether"],
];

function logText({ prefix, level, group, snapLength, queueThreshold, flags = 0 }: Log): string {
  return [
    "log",
    ...(prefix === undefined ? [] : [`prefix ${quoted(prefix)}`]),
    ...(group === undefined ? [] : [`group ${group}`]),
    ...(snapLength === undefined ? [] : [`snaplen ${snapLength}`]),
    ...(queueThreshold === undefined ? [] : [`queue-threshold ${queueThreshold}`]),
    ...(level === undefined ? [] : [`level ${level}`]),
    ...logFlags.filter(([bit]) => flags & bit).map(([, text]) => text),
  ].join(" ");
}

type ContentOf = (register: Register) => Content | undefined;

/** A constant, or a range of two. */
function constantText(type: ValueType, range: RegisterRange, contentOf: ContentOf): string | undefined {
  const first = contentOf(range.first)?.constant;
  const last = range.last === undefined ? undefined : contentOf(range.last)?.constant;
  if (first === undefined) return undefined;
  return last === undefined ? bytesText(type, first) : `${bytesText(type, first)}-${bytesText(type, last)}`;
}

const flagsText = (flags: readonly NatFlag[] | undefined): string => (flags?.length ? ` ${flags.join(",")}` : "");

/** The text of a translation, whose registers `contentOf` tells. */
export function natText(expression: Nat | Masquerade | Redirect, contentOf: ContentOf): string {
  const port = expression.port && constantText("inet_service", expression.port, contentOf);
  if (expression.type !== "nat") {
    return `${expression.type}${port === undefined ? "" : ` to :${port}`}${flagsText(expression.flags)}`;
  }
  const head = `${expression.kind} ${familyWords[expression.family]}to`;
  return `${head} ${targetText(expression, port, contentOf)}${flagsText(expression.flags)}`;
}

const familyWords = { 4: "ip ", 6: "ip6 ", inet: "" } as const;

function targetText(nat: Nat, port: string | undefined, contentOf: ContentOf): string {
  if (nat.address === undefined) {
    const text = port ?? (nat.port && contentOf(nat.port.first)?.text);
    if (text === undefined) throw unwritable(nat);
    return `:${text}`;
  }
  const address = constantText(nat.family === 4 ? "ipv4_addr" : "ipv6_addr", nat.address, contentOf);
  if (address === undefined) {
    const mapped = contentOf(nat.address.first);
    if (mapped === undefined) throw unwritable(nat);
    return mapped.text; // the map gives the port, too
  }
  if (port === undefined) return address;
  return nat.family === 4 ? `${address}:${port}` : `[${address}]:${port}`;
}
