/**
 * Selectors: what of a packet a rule looks at, in nft's words. Each knows how it is loaded into registers, which type its values
 * have, and what must be known of the packet before it may be read (an `ip saddr` needs an IPv4 packet).
 */
import type {
  CtDirection,
  CtKey,
  Expression,
  FibFlag,
  MetaKey,
  Payload,
} from "../../kernel/netlink/nftables/expressions.ts";
import { bytesToHex, type Hex, type Register, registerOf } from "../../kernel/netlink/nftables/values.ts";
import { type ValueType, valueTypes } from "./value-type.ts";

/** Something that must hold of the packet: its network protocol (`nfproto`) or transport protocol (`l4proto`). */
export interface Guard {
  readonly key: "nfproto" | "l4proto";
  /** In nft's word: `ipv4`, `tcp`. */
  readonly value: string;
}

export interface Selector {
  readonly type: ValueType;
  readonly guards: readonly Guard[];
  /** 4-byte register slots that the value takes. */
  readonly slots: number;
  /** The payload of which a leading part may be loaded alone; absent for other selectors. */
  readonly payload?: Omit<Payload, "to">;
  load(to: Register): readonly Expression[];
}

/** Several selectors side by side, for look-ups in sets with concatenated keys. */
export interface Concatenation {
  readonly parts: readonly Selector[];
}

function selector(type: ValueType, guards: readonly Guard[], load: Selector["load"]): Selector {
  return { type, guards, slots: Math.ceil(valueTypes[type].length / 4), load };
}

function meta(key: MetaKey, type: ValueType): Selector {
  return selector(type, [], (to) => [{ type: "meta", key, to }]);
}

function header(base: Payload["base"], offset: number, type: ValueType, guards: readonly Guard[] = []): Selector {
  const payload = { type: "payload", base, offset, length: valueTypes[type].length } as const;
  return { ...selector(type, guards, (to) => [{ ...payload, to }]), payload };
}

function ct(key: CtKey, type: ValueType, direction?: CtDirection): Selector {
  return selector(type, [], (to) => [{ type: "ct", key, ...(direction && { direction }), to }]);
}

const ipv4: Guard = { key: "nfproto", value: "ipv4" };
const ipv6: Guard = { key: "nfproto", value: "ipv6" };
const transport = (value: string): Guard => ({ key: "l4proto", value });

/** Name of the link the packet came in by. */
export const iifname = (): Selector => meta("iifname", "ifname");
/** Name of the link the packet goes out by. */
export const oifname = (): Selector => meta("oifname", "ifname");
/** Packet mark. */
export const mark = (): Selector => meta("mark", "mark");
/** Network protocol of the packet: `ipv4`, `ipv6`. */
export const nfproto = (): Selector => meta("nfproto", "nf_proto");
/** Transport protocol: `tcp`, `udp`… For the key of a set with ranges take {@link ipProtocol}: nft swaps this one's bytes there. */
export const l4proto = (): Selector => meta("l4proto", "inet_proto");
/** `host`, `broadcast`, `multicast`, `other`. */
export const pkttype = (): Selector => meta("pkttype", "pkt_type");

/** MAC address of a frame's sender, in tables of family bridge: elsewhere nft would ask for Ethernet first. */
export const etherSaddr = (): Selector => header("link", 6, "ether_addr");
/** IPv4 source address. */
export const ipSaddr = (): Selector => header("network", 12, "ipv4_addr", [ipv4]);
/** IPv4 destination address. */
export const ipDaddr = (): Selector => header("network", 16, "ipv4_addr", [ipv4]);
/** IPv6 source address. */
export const ip6Saddr = (): Selector => header("network", 8, "ipv6_addr", [ipv6]);
/** IPv6 destination address. */
export const ip6Daddr = (): Selector => header("network", 24, "ipv6_addr", [ipv6]);
/**
 * Protocol field of the IPv4 header. In the key of a translating map that also holds the address it stands for {@link l4proto}, because nft
 * takes that one there only behind a match on the transport protocol.
 */
export const ipProtocol = (): Selector => header("network", 9, "inet_proto", [ipv4]);
/** Next header field of the IPv6 header, for the same use; packets with extension headers have another number there. */
export const ip6Nexthdr = (): Selector => header("network", 6, "inet_proto", [ipv6]);
/** Source port of whichever transport protocol. */
export const thSport = (): Selector => header("transport", 0, "inet_service");
/** Destination port of whichever transport protocol. */
export const thDport = (): Selector => header("transport", 2, "inet_service");
/** TCP source port. */
export const tcpSport = (): Selector => header("transport", 0, "inet_service", [transport("tcp")]);
/** TCP destination port. */
export const tcpDport = (): Selector => header("transport", 2, "inet_service", [transport("tcp")]);
/** UDP source port. */
export const udpSport = (): Selector => header("transport", 0, "inet_service", [transport("udp")]);
/** UDP destination port. */
export const udpDport = (): Selector => header("transport", 2, "inet_service", [transport("udp")]);
/** ICMP type, IPv4. */
export const icmpType = (): Selector => header("transport", 0, "icmp_type", [ipv4, transport("icmp")]);
/** ICMPv6 type. */
export const icmpv6Type = (): Selector => header("transport", 0, "icmpv6_type", [ipv6, transport("icmpv6")]);

/** Mark of the connection. */
export const ctMark = (): Selector => ct("mark", "mark");
/** Whether the packet goes the way of the first one: `original`, `reply`. */
export const ctDirection = (): Selector => ct("direction", "ct_dir");
/** Transport protocol of the connection. */
export const ctProtocol = (): Selector => ct("protocol", "inet_proto");
/** Destination port that the connection had (`original`: before translation). nft only writes it for a known transport protocol. */
export const ctProtoDst = (direction: CtDirection, protocol: string): Selector => ({
  ...ct("proto-dst", "inet_service", direction),
  guards: [transport(protocol)],
});
/** IPv4 destination that the connection had (`original`: before translation). */
export const ctIpDaddr = (direction: CtDirection): Selector => ct("dst-ip", "ipv4_addr", direction);
/** IPv4 source that the connection had. */
export const ctIpSaddr = (direction: CtDirection): Selector => ct("src-ip", "ipv4_addr", direction);
/** IPv6 destination that the connection had. */
export const ctIp6Daddr = (direction: CtDirection): Selector => ct("dst-ip6", "ipv6_addr", direction);
/** IPv6 source that the connection had. */
export const ctIp6Saddr = (direction: CtDirection): Selector => ct("src-ip6", "ipv6_addr", direction);

/** Kind of the address that `flags` name, as routing sees it: `local`, `unicast`, `broadcast`… Flags in the order saddr, daddr, mark, iif, oif. */
export const fibType = (...flags: readonly FibFlag[]): Selector =>
  selector("fib_addrtype", [], (to) => [{ type: "fib", flags, result: "type", to }]);
/** Whether a route fits: `exists`, `missing`. */
export const fibRoute = (...flags: readonly FibFlag[]): Selector =>
  selector("boolean", [], (to) => [{ type: "fib", flags: [...flags, "present"], result: "oif", to }]);

/** The bits of `of` that `mask` has, a number of the same type. */
export function masked(of: Selector, mask: string): Selector {
  const codec = valueTypes[of.type];
  const zero: Hex = "00".repeat(codec.length);
  return selector(of.type, of.guards, (to) => [
    ...of.load(to),
    { type: "bitwise", from: to, to, length: codec.length, mask: bytesToHex(codec.encode(mask)), xor: zero },
  ]);
}

/** Selectors side by side, the key of a set with a concatenated type. */
export function concat(...parts: readonly Selector[]): Concatenation {
  return { parts };
}

/** The selectors of a key, one or several. */
export function partsOf(key: Selector | Concatenation): readonly Selector[] {
  return "parts" in key ? key.parts : [key];
}

/** Loads the parts of a key side by side from the first register on. */
export function loadKey(parts: readonly Selector[]): readonly Expression[] {
  let slot = 0;
  return parts.flatMap((part) => {
    const loads = part.load(registerOf(slot));
    slot += part.slots;
    return loads;
  });
}
