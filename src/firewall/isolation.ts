/**
 * Isolation, a part of the table: which packets that the host forwards pass, and which ones of internal networks reach the host.
 *
 *     forward      portolan-user → established → bridge to bridge (map) → internal? drop → from a bridge to one that is apart? into-nat → into one of our bridges? by its mode (map)
 *     into-nat     by a published port? accept → by a trusted interface? opened → drop
 *     into-routed  ICMP? accept → opened
 *     into-nat-unprotected  from one of our bridges? into-nat → accept
 *     opened       to an opened port? accept → drop
 *     input        from elsewhere to a proxied port? portolan-user → from an internal network to another address than its bridge's? drop
 *
 * A packet that was not translated is seen for what it is here, so nothing has to look at packets before routing (docs/decisions).
 */
import {
  concat,
  fibType,
  iifname,
  ip6Daddr,
  ipDaddr,
  l4proto,
  nfproto,
  oifname,
  thDport,
} from "../state/nft/selectors.ts";
import { accept, ctState, ctStatus, drop, goTo, jump, lookup, match, vmap } from "../state/nft/statements.ts";
import type { KernelObject, NftSet } from "../state/objects.ts";
import { chain, priority, rules, set } from "./building.ts";
import { administratorOfProxied } from "./proxied.ts";

/** The administrator's chain. */
export const userChain = chain("portolan-user");
const forward = chain("forward", { type: "filter", hook: "forward", priority: priority.filter, policy: "accept" });
const input = chain("input", { type: "filter", hook: "input", priority: priority.filter, policy: "accept" });
const intoNat = chain("into-nat");
const intoRouted = chain("into-routed");
const intoUnprotected = chain("into-nat-unprotected");
const opened = chain("opened");

/** What becomes of traffic into a bridge, by the mode of its gateway; the elements' verdicts. */
export const into = {
  nat: `goto ${intoNat.name}`,
  routed: `goto ${intoRouted.name}`,
  "nat-unprotected": `goto ${intoUnprotected.name}`,
  nothing: "drop",
} as const;

/** The sets and maps whose elements say who is kept from whom. */
export const isolationSets = {
  /** Every bridge of ours. */
  bridges: set("bridges", { key: ["ifname"] }),
  /** What becomes of traffic from a bridge to a bridge; pairs that are not in it go the way of all traffic into a bridge. */
  betweenBridges: set("between-bridges", { key: ["ifname", "ifname"], data: ["verdict"] }),
  /** What becomes of traffic into a bridge from elsewhere. */
  intoBridges4: set("into-bridges4", { key: ["ifname"], data: ["verdict"] }),
  intoBridges6: set("into-bridges6", { key: ["ifname"], data: ["verdict"] }),
  /** Bridges of internal networks: nothing leaves them. */
  internalBridges: set("internal-bridges", { key: ["ifname"] }),
  /** Links behind which containers are, which let all in but containers behind others. */
  apart: set("apart", { key: ["ifname"] }),
  /** An interface of the host and a bridge whose opened ports it may reach. */
  trusted: set("trusted", { key: ["ifname", "ifname"] }),
  /** Ports that are open at a sandbox's own address: it, protocol and port. */
  opened4: set("opened4", { key: ["ipv4_addr", "inet_proto", "inet_service"] }),
  opened6: set("opened6", { key: ["ipv6_addr", "inet_proto", "inet_service"] }),
  /** The same of ports in a row, an element each. */
  openedRows4: set("opened-rows4", { key: ["ipv4_addr", "inet_proto", "inet_service"], interval: true }),
  openedRows6: set("opened-rows6", { key: ["ipv6_addr", "inet_proto", "inet_service"], interval: true }),
} as const satisfies Readonly<Record<string, NftSet>>;

const { bridges, betweenBridges, intoBridges4, intoBridges6, internalBridges, apart, trusted } = isolationSets;
const { opened4, opened6, openedRows4, openedRows6 } = isolationSets;

const forwardRules = rules(forward, {
  "administrator first": [jump(userChain.name)],
  established: [ctState("established", "related"), accept()],
  "between bridges": [vmap(concat(iifname(), oifname()), betweenBridges.name)],
  "internal networks stay inside": [lookup(iifname(), internalBridges.name), drop()],
  "apart from other bridges": [lookup(iifname(), bridges.name), lookup(oifname(), apart.name), goTo(intoNat.name)],
  "into a bridge, IPv4": [match(nfproto(), "==", "ipv4"), vmap(oifname(), intoBridges4.name)],
  "into a bridge, IPv6": [match(nfproto(), "==", "ipv6"), vmap(oifname(), intoBridges6.name)],
});

const intoNatRules = rules(intoNat, {
  "published ports": [ctStatus("dnat"), accept()],
  "trusted interfaces": [lookup(concat(iifname(), oifname()), trusted.name), goTo(opened.name)],
  "nothing else": [drop()],
});

const intoRoutedRules = rules(intoRouted, {
  ICMP: [match(l4proto(), "==", "icmp"), accept()],
  ICMPv6: [match(l4proto(), "==", "icmpv6"), accept()],
  "opened ports": [goTo(opened.name)],
});

const intoUnprotectedRules = rules(intoUnprotected, {
  "networks stay apart": [lookup(iifname(), bridges.name), goTo(intoNat.name)],
  "everybody else": [accept()],
});

const openedRules = rules(opened, {
  "one port, IPv4": [lookup(concat(ipDaddr(), l4proto(), thDport()), opened4.name), accept()],
  "rows, IPv4": [lookup(concat(ipDaddr(), l4proto(), thDport()), openedRows4.name), accept()],
  "one port, IPv6": [lookup(concat(ip6Daddr(), l4proto(), thDport()), opened6.name), accept()],
  "rows, IPv6": [lookup(concat(ip6Daddr(), l4proto(), thDport()), openedRows6.name), accept()],
  "nothing else": [drop()],
});

const inputRules = rules(input, {
  "administrator first, for proxied ports": administratorOfProxied(userChain.name),
  // An address of another link is to this one's as one elsewhere; broadcast and multicast are none.
  "internal networks reach the host by their own bridge": [
    lookup(iifname(), internalBridges.name),
    ctState("new", "invalid", "untracked"),
    match(fibType("daddr", "iif"), "==", "unicast"),
    drop(),
  ],
});

/** Its chains and rules. */
export const isolationChains: readonly KernelObject[] = [
  userChain,
  intoNat,
  intoRouted,
  intoUnprotected,
  opened,
  forward,
  input,
  ...intoNatRules,
  ...intoRoutedRules,
  ...intoUnprotectedRules,
  ...openedRules,
  ...forwardRules,
  ...inputRules,
];
