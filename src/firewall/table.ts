/**
 * The host's firewall: one table `inet portolan` whose chains and rules never change. What varies is an element of a set or
 * map (network.ts), so the number of rules does not grow with networks, and a packet's way costs the same among ten thousand.
 *
 *     forward      portolan-user → established → same bridge (map) → into one of our bridges? into-bridge → internal? drop
 *     postrouting  leaves by one of our bridges or loopback? untouched → comes from a masqueraded subnet? masquerade
 *
 * Packets that neither come from nor go to one of our bridges pass both chains untouched. The host's own traffic, in and out,
 * is not filtered: the host reaches its containers, and containers reach the host by the gateway's address.
 *
 * `portolan-user` is the administrator's chain, asked before ours for every forwarded packet. We make it and jump to it; what
 * stands in it is never ours.
 */
import { concat, iifname, ip6Saddr, ipSaddr, oifname } from "../state/nft/selectors.ts";
import {
  accept,
  ctState,
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

/** Priorities of nft's words `filter` (NF_IP_PRI_FILTER) and `srcnat` (NF_IP_PRI_NAT_SRC). */
const priority = { filter: 0, srcnat: 100 } as const;

/** The administrator's chain. */
export const userChain = chain("portolan-user");
const forward = chain("forward", { type: "filter", hook: "forward", priority: priority.filter, policy: "accept" });
const intoBridge = chain("into-bridge");
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

const forwardRules = rules(forward, {
  "administrator first": [jump(userChain.name)],
  established: [ctState("established", "related"), accept()],
  "between bridges": [vmap(concat(iifname(), oifname()), sets.betweenBridges.name)],
  "into a bridge": [lookup(oifname(), sets.bridges.name), goTo(intoBridge.name)],
  "internal networks stay inside": [lookup(iifname(), sets.internalBridges.name), drop()],
});

const intoBridgeRules = rules(intoBridge, {
  "nothing else": [drop()],
});

const postroutingRules = rules(postrouting, {
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
  forward,
  postrouting,
  ...intoBridgeRules,
  ...forwardRules,
  ...postroutingRules,
];
