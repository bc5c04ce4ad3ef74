/**
 * The host's firewall: one table `inet portolan` whose chains and rules never change. What varies is an element of a set or
 * map (network.ts), so the number of rules does not grow with networks, and a packet's way costs the same among ten thousand.
 *
 *     guard        (raw) from one of our bridges to or from 127.0.0.0/8? drop
 *     prerouting   not to a loopback address? published
 *     output       to ::1? proxied : published
 *     published    to this host? address, protocol and port (maps) → a sandbox's; none? proxied
 *     proxied      proxied.ts: what only a process can lead to a sandbox
 *     forward, input       isolation.ts: what passes between networks, and between them and everybody else
 *     postrouting  from a subnet by a published port back into it, or from 127.0.0.0/8? masquerade → leaves by one of our bridges or loopback?
 *                  untouched → comes from a subnet with a source address of its own? that → from a masqueraded one? masquerade
 *
 * Packets that neither come from nor go to one of our bridges pass all chains untouched. The host's own traffic, in and out,
 * is not filtered, but for what comes from internal networks: the host reaches its containers, and containers reach the host.
 *
 * `portolan-user` is the administrator's chain, asked before ours for every forwarded packet. We make it and jump to it; what
 * stands in it is never ours.
 */
import {
  concat,
  fibType,
  iifname,
  ip6Daddr,
  ip6Saddr,
  ipDaddr,
  ipSaddr,
  l4proto,
  nfproto,
  oifname,
  thDport,
} from "../state/nft/selectors.ts";
import { ctStatus, dnat, drop, goTo, jump, lookup, masquerade, match, returns, snat } from "../state/nft/statements.ts";
import type { KernelObject, NftSet } from "../state/objects.ts";
import { chain, priority, rules, set, table } from "./building.ts";
import { isolationChains, isolationSets } from "./isolation.ts";
import { proxied, proxiedChains, proxiedSets } from "./proxied.ts";

const published = chain("published");
const guard = chain("guard", { type: "filter", hook: "prerouting", priority: priority.raw, policy: "accept" });
const prerouting = chain("prerouting", {
  type: "nat",
  hook: "prerouting",
  priority: priority.dstnat,
  policy: "accept",
});
const output = chain("output", { type: "nat", hook: "output", priority: priority.dstnat, policy: "accept" });
const postrouting = chain("postrouting", {
  type: "nat",
  hook: "postrouting",
  priority: priority.srcnat,
  policy: "accept",
});

/** The sets and maps whose elements are what varies. */
export const sets = {
  ...isolationSets,
  ...proxiedSets,
  /** Subnets whose traffic takes the host's address when it leaves. */
  masqueraded4: set("masqueraded4", { key: ["ipv4_addr"], interval: true }),
  masqueraded6: set("masqueraded6", { key: ["ipv6_addr"], interval: true }),
  /** Subnets whose traffic takes a chosen address of the host's when it leaves. */
  sources4: set("sources4", { key: ["ipv4_addr"], data: ["ipv4_addr"], interval: true }),
  sources6: set("sources6", { key: ["ipv6_addr"], data: ["ipv6_addr"], interval: true }),
  /** A subnet and itself, for what goes back to where it came from by a published port: the answers have to come by us. */
  hairpin4: set("hairpin4", { key: ["ipv4_addr", "ipv4_addr"], interval: true }),
  hairpin6: set("hairpin6", { key: ["ipv6_addr", "ipv6_addr"], interval: true }),
  /** Ports published on one address of the host: it, protocol and port to a sandbox's address and port. */
  published4: set("published4", {
    key: ["ipv4_addr", "inet_proto", "inet_service"],
    data: ["ipv4_addr", "inet_service"],
  }),
  published6: set("published6", {
    key: ["ipv6_addr", "inet_proto", "inet_service"],
    data: ["ipv6_addr", "inet_service"],
  }),
  /** Ports published on all of them. */
  publishedAnywhere4: set("published-anywhere4", {
    key: ["inet_proto", "inet_service"],
    data: ["ipv4_addr", "inet_service"],
  }),
  publishedAnywhere6: set("published-anywhere6", {
    key: ["inet_proto", "inet_service"],
    data: ["ipv6_addr", "inet_service"],
  }),
  /** Rows of ports that keep their numbers, an element each: addresses of the host, protocol and ports to a sandbox's address. */
  publishedRows4: set("published-rows4", {
    key: ["ipv4_addr", "inet_proto", "inet_service"],
    data: ["ipv4_addr"],
    interval: true,
  }),
  publishedRows6: set("published-rows6", {
    key: ["ipv6_addr", "inet_proto", "inet_service"],
    data: ["ipv6_addr"],
    interval: true,
  }),
} as const satisfies Readonly<Record<string, NftSet>>;

const publishedRules = rules(published, {
  "to others": [match(fibType("daddr"), "!=", "local"), returns()],
  "one address, IPv4": [
    dnat(4, { map: sets.published4.name, key: concat(ipDaddr(), l4proto(), thDport()), port: true }),
  ],
  "all addresses, IPv4": [
    match(nfproto(), "==", "ipv4"),
    dnat(4, { map: sets.publishedAnywhere4.name, key: concat(l4proto(), thDport()), port: true }),
  ],
  "rows, IPv4": [dnat(4, { map: sets.publishedRows4.name, key: concat(ipDaddr(), l4proto(), thDport()) })],
  "one address, IPv6": [
    dnat(6, { map: sets.published6.name, key: concat(ip6Daddr(), l4proto(), thDport()), port: true }),
  ],
  "all addresses, IPv6": [
    match(nfproto(), "==", "ipv6"),
    dnat(6, { map: sets.publishedAnywhere6.name, key: concat(l4proto(), thDport()), port: true }),
  ],
  "rows, IPv6": [dnat(6, { map: sets.publishedRows6.name, key: concat(ip6Daddr(), l4proto(), thDport()) })],
  "not by the kernel": [goTo(proxied.name)],
});

const guardRules = rules(guard, {
  // A bridge with route_localnet would take them: containers could reach what listens for the host alone, or pass for the host itself.
  "to loopback": [lookup(iifname(), sets.bridges.name), match(ipDaddr(), "==", { prefix: "127.0.0.0/8" }), drop()],
  "from loopback": [lookup(iifname(), sets.bridges.name), match(ipSaddr(), "==", { prefix: "127.0.0.0/8" }), drop()],
});

const preroutingRules = rules(prerouting, {
  // Before routing 127.0.0.1 could come from the network, and after translation nothing would know it.
  "loopback stays, IPv4": [match(ipDaddr(), "==", { prefix: "127.0.0.0/8" }), returns()],
  "loopback stays, IPv6": [match(ip6Daddr(), "==", "::1"), returns()],
  "published ports": [jump(published.name)],
});
const outputRules = rules(output, {
  // Answers from another link that are translated back to ::1 are dropped: IPv6 has no route_localnet.
  "from loopback, IPv6": [match(ip6Daddr(), "==", "::1"), goTo(proxied.name)],
  "published ports": [jump(published.name)],
});

const postroutingRules = rules(postrouting, {
  "back into its own subnet, IPv4": [
    ctStatus("dnat"),
    lookup(concat(ipSaddr(), ipDaddr()), sets.hairpin4.name),
    masquerade(),
  ],
  "back into its own subnet, IPv6": [
    ctStatus("dnat"),
    lookup(concat(ip6Saddr(), ip6Daddr()), sets.hairpin6.name),
    masquerade(),
  ],
  "from the host's loopback": [
    match(ipSaddr(), "==", { prefix: "127.0.0.0/8" }),
    lookup(oifname(), sets.bridges.name),
    masquerade(),
  ],
  "into a bridge": [lookup(oifname(), sets.bridges.name), returns()],
  "to the host itself": [match(oifname(), "==", "lo"), returns()],
  "leaving by a chosen address, IPv4": [snat(4, { map: sets.sources4.name, key: ipSaddr() })],
  "leaving by a chosen address, IPv6": [snat(6, { map: sets.sources6.name, key: ip6Saddr() })],
  "leaving, IPv4": [lookup(ipSaddr(), sets.masqueraded4.name), masquerade()],
  "leaving, IPv6": [lookup(ip6Saddr(), sets.masqueraded6.name), masquerade()],
});

/**
 * Table, chains, sets and rules: part of every bridge network's description, so that they come with the first network and
 * go with the last one.
 */
export const baseObjects: readonly KernelObject[] = [
  table,
  ...Object.values(sets),
  ...isolationChains,
  ...proxiedChains(sets.internalBridges),
  published,
  guard,
  prerouting,
  output,
  postrouting,
  ...guardRules,
  ...publishedRules,
  ...preroutingRules,
  ...outputRules,
  ...postroutingRules,
];
