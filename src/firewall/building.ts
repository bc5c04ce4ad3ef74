/** What the host's tables are built of: the tables themselves, and makers of their chains, sets and rules. */
import { rule, type Statement } from "../state/nft/statements.ts";
import type { NftChain, NftRule, NftSet, NftTable } from "../state/objects.ts";

const namespace = "host";

/** The one table for what is routed, of family inet. */
export const table: NftTable = { kind: "nft-table", namespace, name: "portolan" };

/** The one for frames that come in by a bridge's ports. */
export const bridgeTable: NftTable = { ...table, family: "bridge" };

/** Which table something is in. */
const inTable = ({ name, family }: NftTable) => ({ ...(family && { family }), table: name });

type ChainBase = NonNullable<NftChain["base"]>;

/** A chain; with `base` one that the kernel's hook asks. */
export const chain = (name: string, base?: ChainBase, of: NftTable = table): NftChain => ({
  kind: "nft-chain",
  namespace,
  ...inTable(of),
  name,
  ...(base && { base }),
});

/** Priorities of nft's words `raw` (NF_IP_PRI_RAW), `dstnat` (NF_IP_PRI_NAT_DST), `filter` (NF_IP_PRI_FILTER) and `srcnat` (NF_IP_PRI_NAT_SRC). */
export const priority = { raw: -300, dstnat: -100, filter: 0, srcnat: 100 } as const;

/** A set, or with `data` a map. */
export const set = (name: string, type: Pick<NftSet, "key" | "data" | "interval">, of: NftTable = table): NftSet => ({
  kind: "nft-set",
  namespace,
  ...inTable(of),
  name,
  ...type,
});

/** The rules of a chain, top down; positions leave room between them. */
export function rules(of: NftChain, named: Readonly<Record<string, readonly Statement[]>>): readonly NftRule[] {
  return Object.entries(named).map(([id, statements], index) => ({
    kind: "nft-rule",
    namespace,
    ...(of.family && { family: of.family }),
    table: of.table,
    chain: of.name,
    id,
    position: 10 * (index + 1),
    expressions: rule(...statements),
  }));
}
