/**
 * The host's firewall: one table `inet portolan` whose chains and rules never change. What varies is an element of a set or
 * map (network.ts), so the number of rules does not grow with networks, and a packet's way costs the same among ten thousand.
 *
 *     prerouting, output   published: to this host, but not by loopback? address, protocol and port (maps) → a sandbox's
 *     forward      portolan-user → established → same bridge (map) → internal? drop → into one of our bridges? into-bridge
 *     into-bridge  by a published port? accept → drop
 *     postrouting  from a subnet by a published port back into it? masquerade → leaves by one of our bridges or loopback?
 *                  untouched → comes from a masqueraded subnet? masquerade
 *
 * Packets that neither come from nor go to one of our bridges pass both chains untouched. The host's own traffic, in and out,
 * is not filtered: the host reaches its containers, and containers reach the host by the gateway's address.
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
import {
  accept,
  ctState,
  ctStatus,
  dnat,
  drop,
  goTo,
  jump,
  lookup,
  masquerade,
  match,
  returns,
  rule,
  type Statement,
  vmap,
} from "../state/nft/statements.ts";
import type { KernelObject, NftChain, NftRule, NftSet, NftTable } from "../state/objects.ts";

const namespace = "host";

/** The one table, of family inet. */
export const table: NftTable = { kind: "nft-table", namespace, name: "portolan" };

type ChainBase = NonNullable<NftChain["base"]>;

const chain = (name: string, base?: ChainBase): NftChain => ({
  kind: "nft-chain",
  namespace,
  table: table.name,
  name,
  ...(base && { base }),
});

/** Priorities of nft's words `dstnat` (NF_IP_PRI_NAT_DST), `filter` (NF_IP_PRI_FILTER) and `srcnat` (NF_IP_PRI_NAT_SRC). */
const priority = { dstnat: -100, filter: 0, srcnat: 100 } as const;

/** The administrator's chain. */
export const userChain = chain("portolan-user");
const forward = chain("forward", { type: "filter", hook: "forward", priority: priority.filter, policy: "accept" });
const intoBridge = chain("into-bridge");
const published = chain("published");
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

const set = (name: string, type: Pick<NftSet, "key" | "data" | "interval">): NftSet => ({
  kind: "nft-set",
  namespace,
  table: table.name,
  name,
  ...type,
});

/** The sets and maps whose elements are what varies. */
export const sets = {
  /** Every bridge of ours. */
  bridges: set("bridges", { key: ["ifname"] }),
  /** What becomes of traffic from a bridge to a bridge; pairs that are not in it go the way of all traffic into a bridge. */
  betweenBridges: set("between-bridges", { key: ["ifname", "ifname"], data: ["verdict"] }),
  /** Bridges of internal networks: nothing leaves them. */
  internalBridges: set("internal-bridges", { key: ["ifname"] }),
  /** Subnets whose traffic takes the host's address when it leaves. */
  masqueraded4: set("masqueraded4", { key: ["ipv4_addr"], interval: true }),
  masqueraded6: set("masqueraded6", { key: ["ipv6_addr"], interval: true }),
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

/** The rules of a chain, top down; positions leave room between them. */
function rules(of: NftChain, named: Readonly<Record<string, readonly Statement[]>>): readonly NftRule[] {
  return Object.entries(named).map(([id, statements], index) => ({
    kind: "nft-rule",
    namespace,
    table: table.name,
    chain: of.name,
    id,
    position: 10 * (index + 1),
    expressions: rule(...statements),
  }));
}

const publishedRules = rules(published, {
  // Before routing 127.0.0.1 could come from the network, and after translation nothing would know it.
  "loopback stays, IPv4": [match(ipDaddr(), "==", { prefix: "127.0.0.0/8" }), returns()],
  "loopback stays, IPv6": [match(ip6Daddr(), "==", "::1"), returns()],
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
});

const preroutingRules = rules(prerouting, { "published ports": [jump(published.name)] });
const outputRules = rules(output, { "published ports": [jump(published.name)] });

const forwardRules = rules(forward, {
  "administrator first": [jump(userChain.name)],
  established: [ctState("established", "related"), accept()],
  "between bridges": [vmap(concat(iifname(), oifname()), sets.betweenBridges.name)],
  "internal networks stay inside": [lookup(iifname(), sets.internalBridges.name), drop()],
  "into a bridge": [lookup(oifname(), sets.bridges.name), goTo(intoBridge.name)],
});

const intoBridgeRules = rules(intoBridge, {
  "published ports": [ctStatus("dnat"), accept()],
  "nothing else": [drop()],
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
  "into a bridge": [lookup(oifname(), sets.bridges.name), returns()],
  "to the host itself": [match(oifname(), "==", "lo"), returns()],
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
  userChain,
  intoBridge,
  published,
  prerouting,
  output,
  forward,
  postrouting,
  ...publishedRules,
  ...preroutingRules,
  ...outputRules,
  ...intoBridgeRules,
  ...forwardRules,
  ...postroutingRules,
];
