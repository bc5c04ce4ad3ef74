/**
 * What a register holds, in nft's words: the decompiler's picture of the machine that a rule's expressions run on. Packet fields
 * get their names back only where the rule has made sure of the protocol before, because nft itself would otherwise add that check.
 */
import { PortolanError } from "../../errors.ts";
import type { CtLoad, Expression, Fib, MetaKey, Payload } from "../../kernel/netlink/nftables/expressions.ts";
import type { Hex } from "../../kernel/netlink/nftables/values.ts";
import type { Guard } from "./selectors.ts";
import { type ValueType, valueTypes } from "./value-type.ts";

/** The contents of a register. */
export interface Content {
  readonly text: string;
  readonly type: ValueType;
  /** What nft checks by itself when it reads the text. */
  readonly implies: readonly Guard[];
  /** Bytes loaded, where only the beginning of the value was. */
  readonly length?: number;
  /** The mask under which the value stands. */
  readonly mask?: Hex;
  /** Present for a constant. */
  readonly constant?: Hex;
}

/** What the rule has made sure of so far. */
export type Known = ReadonlyMap<Guard["key"], string>;

/** The error for an expression that has no text here: only expressions that the builders make are rendered. */
export function unwritable(expression: Expression): PortolanError {
  return new PortolanError("internal", `the nftables expression ${expression.type} has no nft text`, {
    reason: JSON.stringify(expression),
  });
}

const metaTexts: Partial<Record<MetaKey, { readonly text: string; readonly type: ValueType }>> = {
  iifname: { text: "iifname", type: "ifname" },
  oifname: { text: "oifname", type: "ifname" },
  mark: { text: "meta mark", type: "mark" },
  nfproto: { text: "meta nfproto", type: "nf_proto" },
  l4proto: { text: "meta l4proto", type: "inet_proto" },
  pkttype: { text: "meta pkttype", type: "pkt_type" },
  iif: { text: "meta iif", type: "iface_index" },
  oif: { text: "meta oif", type: "iface_index" },
};

const ipv4: Guard = { key: "nfproto", value: "ipv4" };
const ipv6: Guard = { key: "nfproto", value: "ipv6" };
const transport = (value: string): Guard => ({ key: "l4proto", value });

/** Header fields; the first one that fits and whose protocols are made sure of gives the name. */
const fields: readonly (Content & Pick<Payload, "base" | "offset">)[] = [
  { base: "link", offset: 6, text: "ether saddr", type: "ether_addr", implies: [] },
  { base: "network", offset: 12, text: "ip saddr", type: "ipv4_addr", implies: [ipv4] },
  { base: "network", offset: 16, text: "ip daddr", type: "ipv4_addr", implies: [ipv4] },
  { base: "network", offset: 8, text: "ip6 saddr", type: "ipv6_addr", implies: [ipv6] },
  { base: "network", offset: 24, text: "ip6 daddr", type: "ipv6_addr", implies: [ipv6] },
  { base: "network", offset: 9, text: "ip protocol", type: "inet_proto", implies: [ipv4] },
  { base: "network", offset: 6, text: "ip6 nexthdr", type: "inet_proto", implies: [ipv6] },
  { base: "transport", offset: 0, text: "tcp sport", type: "inet_service", implies: [transport("tcp")] },
  { base: "transport", offset: 2, text: "tcp dport", type: "inet_service", implies: [transport("tcp")] },
  { base: "transport", offset: 0, text: "udp sport", type: "inet_service", implies: [transport("udp")] },
  { base: "transport", offset: 2, text: "udp dport", type: "inet_service", implies: [transport("udp")] },
  { base: "transport", offset: 0, text: "icmp type", type: "icmp_type", implies: [ipv4, transport("icmp")] },
  { base: "transport", offset: 0, text: "icmpv6 type", type: "icmpv6_type", implies: [ipv6, transport("icmpv6")] },
  { base: "transport", offset: 0, text: "th sport", type: "inet_service", implies: [] },
  { base: "transport", offset: 2, text: "th dport", type: "inet_service", implies: [] },
];

/** Whether only the beginning of a value of the type may be loaded: that is how a prefix is compared. */
const isAddress = (type: ValueType): boolean => type === "ipv4_addr" || type === "ipv6_addr";

function payloadContent(payload: Payload, known: Known): Content {
  const field = fields.find(
    ({ base, offset, type, implies }) =>
      base === payload.base &&
      offset === payload.offset &&
      (payload.length === valueTypes[type].length || (isAddress(type) && payload.length < valueTypes[type].length)) &&
      implies.every(({ key, value }) => known.get(key) === value),
  );
  if (field === undefined) throw unwritable(payload);
  const { text, type, implies } = field;
  return { text, type, implies, ...(payload.length < valueTypes[type].length && { length: payload.length }) };
}

const ctTexts: Partial<Record<CtLoad["key"], { readonly text: string; readonly type: ValueType }>> = {
  state: { text: "state", type: "ct_state" },
  status: { text: "status", type: "ct_status" },
  direction: { text: "direction", type: "ct_dir" },
  mark: { text: "mark", type: "mark" },
  protocol: { text: "protocol", type: "inet_proto" },
  "proto-src": { text: "proto-src", type: "inet_service" },
  "proto-dst": { text: "proto-dst", type: "inet_service" },
  "src-ip": { text: "ip saddr", type: "ipv4_addr" },
  "dst-ip": { text: "ip daddr", type: "ipv4_addr" },
  "src-ip6": { text: "ip6 saddr", type: "ipv6_addr" },
  "dst-ip6": { text: "ip6 daddr", type: "ipv6_addr" },
};

function ctContent(load: CtLoad): Content {
  const known = ctTexts[load.key];
  if (known === undefined) throw unwritable(load);
  const direction = load.direction ? `${load.direction} ` : "";
  return { text: `ct ${direction}${known.text}`, type: known.type, implies: [] };
}

function fibContent(fib: Fib): Content {
  const present = fib.flags.includes("present");
  const key = fib.flags.filter((flag) => flag !== "present").join(" . ");
  if (fib.result === "type") return { text: `fib ${key} type`, type: "fib_addrtype", implies: [] };
  if (fib.result === "oif" && present) return { text: `fib ${key} oif`, type: "boolean", implies: [] };
  throw unwritable(fib);
}

/** What a load leaves in its register; undefined for an expression that loads nothing by itself. */
export function loadedContent(expression: Expression, known: Known): Content | undefined {
  switch (expression.type) {
    case "meta": {
      const meta = metaTexts[expression.key];
      if (meta === undefined) throw unwritable(expression);
      return { ...meta, implies: [] };
    }
    case "payload":
      return payloadContent(expression, known);
    case "ct":
      return ctContent(expression);
    case "fib":
      return fibContent(expression);
    case "immediate":
      return { text: "", type: "integer", implies: [], constant: expression.value };
    default:
      return undefined;
  }
}
