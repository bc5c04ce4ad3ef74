/**
 * What keeps connections alive while the table is gone: somebody flushes the ruleset, and for some tens of milliseconds, until it is mended, nothing in it
 * translates addresses. Then the kernel unhooks translation altogether, a packet of a published connection reaches the host itself, which knows of no such
 * connection, and its answer (RST) ends it. A table that a flush does not reach keeps translation hooked: connections that the kernel tracks go on.
 *
 * The table does nothing else: its one rule lets every packet pass, and is there because it asks for connection tracking. It belongs to the engine's netlink
 * socket and goes with the process.
 */
import { ctState, returns, rule } from "../state/nft/statements.ts";
import type { KernelObject, NftChain, NftRule, NftTable } from "../state/objects.ts";

const namespace = "host";

export const anchorTable: NftTable = { kind: "nft-table", namespace, name: "portolan-anchor", owned: true };

/** One chain of this type hooks translation at every place of both families. */
const chain: NftChain = {
  kind: "nft-chain",
  namespace,
  table: anchorTable.name,
  name: "keep-translation",
  base: { type: "nat", hook: "postrouting", priority: 100, policy: "accept" },
};

const trackConnections: NftRule = {
  kind: "nft-rule",
  namespace,
  table: anchorTable.name,
  chain: chain.name,
  id: "track connections",
  position: 10,
  expressions: rule(ctState("established"), returns()),
};

/** Table, chain and rule. */
export const anchorObjects: readonly KernelObject[] = [anchorTable, chain, trackConnections];
