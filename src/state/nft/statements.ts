/**
 * Readable rules: statements in nft's words, turned into expressions with registers assigned, the same ones that the nft tool
 * makes of the corresponding text.
 *
 *     rule(match(iifname(), "==", "br-front"), lookup(concat(iifname(), oifname()), "@isolated"), counter(), drop())
 */
import type { Family } from "../../address/ip.ts";
import { PortolanError } from "../../errors.ts";
import type {
  Comparison,
  Expression,
  IcmpxCode,
  Limit,
  Log,
  NatFlag,
  Reject,
} from "../../kernel/netlink/nftables/expressions.ts";
import { bytesToHex, type Hex, registerOf, verdictRegister } from "../../kernel/netlink/nftables/values.ts";
import type { NftKeyPart } from "../nft-objects.ts";
import {
  type Concatenation,
  type Guard,
  ip6Nexthdr,
  ipProtocol,
  l4proto,
  loadKey,
  nfproto,
  partsOf,
  type Selector,
} from "./selectors.ts";
import { ctStates, ctStatuses, prefixMask, type ValueType, valueTypes } from "./value-type.ts";

/** Part of a rule. */
export interface Statement {
  /** What must be known of the packet before the expressions may run. */
  readonly guards: readonly Guard[];
  readonly expressions: readonly Expression[];
  /** What is known of every packet that gets past. */
  readonly establishes?: Guard;
}

const first = registerOf(0);

const plain = (...expressions: readonly Expression[]): Statement => ({ guards: [], expressions });

/**
 * The expressions of a rule. What a statement needs to know of the packet is asked for right before it, once in the rule, as nft
 * does: `ip saddr` is preceded by `meta nfproto ipv4`.
 */
export function rule(...statements: readonly Statement[]): readonly Expression[] {
  const known = new Map<Guard["key"], string>();
  const expressions: Expression[] = [];
  for (const statement of statements) {
    for (const guard of statement.guards) {
      if (known.get(guard.key) === guard.value) continue;
      expressions.push(...guardExpressions(guard));
      known.set(guard.key, guard.value);
    }
    expressions.push(...statement.expressions);
    if (statement.establishes) known.set(statement.establishes.key, statement.establishes.value);
  }
  return expressions;
}

function guardExpressions({ key, value }: Guard): readonly Expression[] {
  const selector = key === "nfproto" ? nfproto() : l4proto();
  return [...selector.load(first), { type: "cmp", operation: "==", from: first, value: encode(selector.type, value) }];
}

function encode(type: ValueType, text: string): Hex {
  return bytesToHex(valueTypes[type].encode(text));
}

/** Goes on where the packet compares with the value: `match(tcpDport(), "==", "80")`, `match(ipSaddr(), "!=", { prefix: "10.0.0.0/8" })`. */
export function match(selector: Selector, operation: Comparison, value: NftKeyPart): Statement {
  return {
    guards: selector.guards,
    expressions: comparison(selector, operation, value),
    ...establishedBy(selector, operation, value),
  };
}

function establishedBy(selector: Selector, operation: Comparison, value: NftKeyPart): { readonly establishes?: Guard } {
  const [load, ...computed] = selector.load(first);
  if (operation !== "==" || typeof value !== "string" || load === undefined || computed.length > 0) return {};
  const key = establishingKey(load);
  return key === undefined ? {} : { establishes: { key, value } };
}

/** What a match on a loaded value tells: of the header fields nft, too, learns the transport protocol. */
function establishingKey(load: Expression): Guard["key"] | undefined {
  if (load.type === "meta") return load.key === "nfproto" || load.key === "l4proto" ? load.key : undefined;
  const fieldOffsets = [ipProtocol().payload?.offset, ip6Nexthdr().payload?.offset];
  const isField = load.type === "payload" && load.base === "network" && load.length === 1;
  return isField && fieldOffsets.includes(load.offset) ? "l4proto" : undefined;
}

function comparison(selector: Selector, operation: Comparison, value: NftKeyPart): readonly Expression[] {
  const load = selector.load(first);
  if (typeof value === "string") {
    if (selector.type === "ifname" && value.endsWith("*")) {
      return [...load, { type: "cmp", operation, from: first, value: bytesToHex(Buffer.from(value.slice(0, -1))) }];
    }
    return [...load, { type: "cmp", operation, from: first, value: encode(selector.type, value) }];
  }
  if (operation !== "==" && operation !== "!=") {
    throw new PortolanError("invalid-argument", `a range or prefix compares with == or !=, not ${operation}`);
  }
  if ("prefix" in value) return prefixComparison(selector, operation, value.prefix);
  const [low, high] = [encode(selector.type, value.from), encode(selector.type, value.to)];
  if (operation === "!=") return [...load, { type: "range", operation, from: first, first: low, last: high }];
  return [
    ...load,
    { type: "cmp", operation: ">=", from: first, value: low },
    { type: "cmp", operation: "<=", from: first, value: high },
  ];
}

/** A prefix of whole bytes is compared as such; another one under a mask. */
function prefixComparison(selector: Selector, operation: "==" | "!=", prefix: string): readonly Expression[] {
  const codec = valueTypes[selector.type];
  const slash = prefix.lastIndexOf("/");
  const bits = Number(prefix.slice(slash + 1));
  const value = codec.encode(prefix.slice(0, slash));
  if (!(slash > 0 && Number.isInteger(bits) && bits > 0 && bits <= codec.length * 8)) {
    throw new PortolanError("invalid-argument", `"${prefix}" is no prefix of ${codec.length * 8} bits to compare with`);
  }
  if (selector.payload && bits % 8 === 0) {
    const length = bits / 8;
    const compared = bytesToHex(value.subarray(0, length));
    return [
      { ...selector.payload, length, to: first },
      { type: "cmp", operation, from: first, value: compared },
    ];
  }
  const mask = bytesToHex(prefixMask(bits, codec.length));
  const xor = "00".repeat(codec.length);
  return [
    ...selector.load(first),
    { type: "bitwise", from: first, to: first, length: codec.length, mask, xor },
    { type: "cmp", operation, from: first, value: bytesToHex(value) },
  ];
}

/** The name of a set without the `@` that nft writes before it. */
const setName = (name: string): string => (name.startsWith("@") ? name.slice(1) : name);

/** A look-up of a key, with the guards of all its parts. */
function keyed(key: Selector | Concatenation, then: readonly Expression[]): Statement {
  const parts = partsOf(key);
  return { guards: parts.flatMap((part) => part.guards), expressions: [...loadKey(parts), ...then] };
}

/** Goes on where the key is (`!=`: is not) in the set: `lookup(iifname(), "@bridges")`. */
export function lookup(key: Selector | Concatenation, set: string, operation: "==" | "!=" = "=="): Statement {
  const inverted = operation === "!=" ? ({ inverted: true } as const) : {};
  return keyed(key, [{ type: "lookup", set: setName(set), from: first, ...inverted }]);
}

/** Does what a verdict map says of the key; goes on where it is not in the map. */
export function vmap(key: Selector | Concatenation, map: string): Statement {
  return keyed(key, [{ type: "lookup", set: setName(map), from: first, to: verdictRegister }]);
}

/** Goes on where bits of a selector are set: `( value & bits ) != 0`. */
function anyBit(key: "state" | "status", bits: number): Statement {
  const mask = Buffer.alloc(4);
  mask.writeUInt32LE(bits);
  return plain(
    { type: "ct", key, to: first },
    { type: "bitwise", from: first, to: first, length: 4, mask: bytesToHex(mask), xor: "00000000" },
    { type: "cmp", operation: "!=", from: first, value: "00000000" },
  );
}

/** Goes on where the connection is in one of the states: `ctState("established", "related")`. */
export function ctState(...states: readonly (keyof typeof ctStates)[]): Statement {
  return anyBit(
    "state",
    states.reduce((bits, state) => bits | ctStates[state], 0),
  );
}

/** Goes on where the connection has one of the properties: `ctStatus("dnat")`. */
export function ctStatus(...statuses: readonly (keyof typeof ctStatuses)[]): Statement {
  return anyBit(
    "status",
    statuses.reduce((bits, status) => bits | ctStatuses[status], 0),
  );
}

/** Where translation goes: a constant, or what a map says of a key. */
export type NatTarget =
  | { readonly address: string; readonly port?: string }
  /** A map whose data is an address, or with `port` an address and a port. */
  | { readonly map: string; readonly key: Selector | Concatenation; readonly port?: true };

function nat(kind: "snat" | "dnat", family: Family, target: NatTarget, flags: readonly NatFlag[]): Statement {
  const options = flags.length > 0 ? { flags } : {};
  const type: ValueType = family === 4 ? "ipv4_addr" : "ipv6_addr";
  if ("map" in target) {
    const port = target.port && { port: { first: registerOf(valueTypes[type].length / 4) } };
    return keyed(target.key, [
      { type: "lookup", set: setName(target.map), from: first, to: first },
      { type: "nat", kind, family, address: { first }, ...port, ...options },
    ]);
  }
  const addressRegister = registerOf(0);
  const portRegister = registerOf(4);
  const { address, port } = target;
  return plain(
    { type: "immediate", value: encode(type, address), to: addressRegister },
    ...(port === undefined
      ? []
      : [{ type: "immediate", value: encode("inet_service", port), to: portRegister } as const]),
    {
      type: "nat",
      kind,
      family,
      address: { first: addressRegister },
      ...(port !== undefined && { port: { first: portRegister } }),
      ...options,
    },
  );
}

/** Rewrites the destination: `dnat(4, { map: "@published4", key: concat(l4proto(), thDport()), port: true })`. A constant port needs a match on the transport protocol before. */
export function dnat(family: Family, target: NatTarget, ...flags: readonly NatFlag[]): Statement {
  return nat("dnat", family, target, flags);
}

/** Rewrites the destination's port alone, to what a map says of the key; needs a match on the transport protocol before. */
export function dnatPort(map: string, key: Selector | Concatenation): Statement {
  return keyed(key, [
    { type: "lookup", set: setName(map), from: first, to: first },
    { type: "nat", kind: "dnat", family: "inet", port: { first } },
  ]);
}

/** Rewrites the source. */
export function snat(family: Family, target: NatTarget, ...flags: readonly NatFlag[]): Statement {
  return nat("snat", family, target, flags);
}

/** Rewrites the source to the address of the outgoing link. */
export function masquerade(...flags: readonly NatFlag[]): Statement {
  return plain({ type: "masquerade", ...(flags.length > 0 && { flags }) });
}

/** Rewrites the destination to this host, with `port` to that port (which needs a match on the transport protocol before). */
export function redirect(port?: string): Statement {
  if (port === undefined) return plain({ type: "redirect" });
  return plain(
    { type: "immediate", value: encode("inet_service", port), to: first },
    { type: "redirect", port: { first } },
  );
}

/** Sets the packet's mark to a number or to that of the connection. */
export function setMark(value: string | "ct mark"): Statement {
  return plain(value === "ct mark" ? { type: "ct", key: "mark", to: first } : constantMark(value), {
    type: "meta-set",
    key: "mark",
    from: first,
  });
}

/** Sets the connection's mark to a number or to that of the packet. */
export function setCtMark(value: string | "meta mark"): Statement {
  return plain(value === "meta mark" ? { type: "meta", key: "mark", to: first } : constantMark(value), {
    type: "ct-set",
    key: "mark",
    from: first,
  });
}

function constantMark(value: string): Expression {
  return { type: "immediate", value: encode("mark", value), to: first };
}

/** Has the kernel report what becomes of the packet (NFT_MSG_TRACE). */
export function trace(): Statement {
  return plain({ type: "immediate", value: "01", to: first }, { type: "meta-set", key: "nftrace", from: first });
}

/** Counts packets and bytes. */
export const counter = (): Statement => plain({ type: "counter" });
/** Leaves the packet out of connection tracking. */
export const notrack = (): Statement => plain({ type: "notrack" });
/** Lets the packet pass this hook. */
export const accept = (): Statement => plain({ type: "verdict", verdict: "accept" });
/** Drops the packet without a word. */
export const drop = (): Statement => plain({ type: "verdict", verdict: "drop" });
/** Goes back to the chain that jumped here. */
export const returns = (): Statement => plain({ type: "verdict", verdict: "return" });
/** Asks another chain, then goes on here. */
export const jump = (chain: string): Statement => plain({ type: "verdict", verdict: "jump", chain });
/** Goes on in another chain, not to come back. */
export const goTo = (chain: string): Statement => plain({ type: "verdict", verdict: "goto", chain });

/** Drops the packet and tells the sender; `tcp-reset` is for TCP alone. */
export function reject(how: "tcp-reset" | IcmpxCode = "port-unreachable"): Statement {
  const expression: Reject =
    how === "tcp-reset" ? { type: "reject", with: how } : { type: "reject", with: "icmpx", code: how };
  return { guards: how === "tcp-reset" ? [{ key: "l4proto", value: "tcp" }] : [], expressions: [expression] };
}

/** Goes on for what stays below a rate, `over`: for what exceeds it. `per` in seconds; packets with a burst of 5 where not said. */
export function limit(options: Omit<Limit, "type" | "of" | "burst"> & Partial<Pick<Limit, "of" | "burst">>): Statement {
  const { rate, per, of = "packets", burst = of === "packets" ? 5 : 0, over } = options;
  return plain({ type: "limit", of, rate, per, burst, ...(over && { over }) });
}

/** Writes the packet to the kernel log or to a netlink group. */
export function log(options: Omit<Log, "type"> = {}): Statement {
  return plain({ type: "log", ...options });
}
