/** What the host's table is built of: the table itself, and makers of its chains, sets and rules. */
import { rule, type Statement } from "../state/nft/statements.ts";
import type { NftChain, NftRule, NftSet, NftTable } from "../state/objects.ts";

const namespace = "host";

/** The one table, of family inet. */
export const table: NftTable = { kind: "nft-table", namespace, name: "portolan" };

type ChainBase = NonNullable<NftChain["base"]>;

/** A chain; with `base` one that the kernel's hook asks. */
export const chain = (name: string, base?: ChainBase): NftChain => ({
  kind: "nft-chain",
  namespace,
  table: table.name,
  name,
  ...(base && { base }),
});

/** Priorities of nft's words `raw` (NF_IP_PRI_RAW), `dstnat` (NF_IP_PRI_NAT_DST), `filter` (NF_IP_PRI_FILTER) and `srcnat` (NF_IP_PRI_NAT_SRC). */
export const priority = { raw: -300, dstnat: -100, filter: 0, srcnat: 100 } as const;

/** A set, or with `data` a map. */
export const set = (name: string, type: Pick<NftSet, "key" | "data" | "interval">): NftSet => ({
  kind: "nft-set",
  namespace,
  table: table.name,
  name,
  ...type,
});

/** The rules of a chain, top down; positions leave room between them. */
export function rules(of: NftChain, named: Readonly<Record<string, readonly Statement[]>>): readonly NftRule[] {
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
