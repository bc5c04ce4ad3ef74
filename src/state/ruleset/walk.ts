/** A packet's way through the chains of others. What is not known makes it take both ways: it counts as dropped only where every way ends so. */

import type { LinkIndexes, TrialPacket } from "./packet.ts";
import type { RulesetChain, RulesetTable } from "./read.ts";
import { meet, type Trial } from "./rule.ts";

/** A base chain, as it is named to a reader. */
export interface ChainPlace {
  readonly family: RulesetTable["family"];
  readonly table: string;
  readonly chain: string;
  readonly priority: number;
  /** Of iptables-legacy. */
  readonly legacy?: true;
  /** Which of the chains asked about the table has: they tell whose it is. */
  readonly landmarks: readonly string[];
}

/** What becomes of a packet. */
export interface Fate {
  /** Base chains that drop it for certain; `policy`: because none of their rules lets it pass. */
  readonly dropped: readonly (ChainPlace & { readonly policy: boolean })[];
  /** Base chains that lead it to another destination; not `certain` where that depends on what the packet leaves open. */
  readonly translated: readonly (ChainPlace & { readonly certain: boolean })[];
}

/** The ways that a chain can end for a packet. `through`: nothing has decided. */
type Ending = "accept" | "drop" | "translate destination" | "unknown" | "through";

/** What becomes of a packet in these tables. */
export function fateOf(
  packet: TrialPacket,
  tables: readonly RulesetTable[],
  landmarks: readonly string[],
  indexOf: LinkIndexes,
): Fate {
  const dropped: Fate["dropped"][number][] = [];
  const translated: Fate["translated"][number][] = [];
  for (const table of tables) {
    if (table.family !== "inet" && (table.family === "ip") !== (packet.family === 4)) continue;
    const trial: Trial = { packet, indexOf, elementsOf: table.elementsOf };
    for (const chain of table.chains.values()) {
      if (chain.base?.hook !== packet.hook) continue;
      const endings = walk(chain, table, trial, new Map());
      const place = placeOf(table, chain, landmarks);
      const policy = endings.has("through") && chain.base.policy === "drop";
      const canPass = endings.has("accept") || endings.has("unknown") || (endings.has("through") && !policy);
      if (!canPass && !endings.has("translate destination")) dropped.push({ ...place, policy });
      if (endings.has("translate destination")) translated.push({ ...place, certain: endings.size === 1 });
    }
  }
  return { dropped, translated };
}

function placeOf(
  { family, name, legacy, chains }: RulesetTable,
  chain: RulesetChain,
  landmarks: readonly string[],
): ChainPlace {
  return {
    family,
    table: name,
    chain: chain.name,
    priority: chain.base?.priority ?? 0,
    ...(legacy && { legacy }),
    landmarks: landmarks.filter((landmark) => chains.has(landmark)),
  };
}

/** How a chain can end; each chain is walked once for a packet, since the kernel lets none reach itself. */
function walk(
  chain: RulesetChain,
  table: RulesetTable,
  trial: Trial,
  known: Map<string, ReadonlySet<Ending>>,
): ReadonlySet<Ending> {
  const before = known.get(chain.name);
  if (before !== undefined) return before;
  const endings = new Set<Ending>();
  known.set(chain.name, endings);
  for (const rule of chain.rules) {
    let ended = false;
    for (const { certain, effect } of meet(rule, trial)) {
      if (effect.verdict === "continue" || effect.verdict === "break") continue;
      if (effect.verdict === "return") endings.add("through");
      else if (effect.verdict !== "jump" && effect.verdict !== "goto") endings.add(effect.verdict);
      else {
        const target = "chain" in effect ? table.chains.get(effect.chain) : undefined;
        const there: ReadonlySet<Ending> =
          target === undefined ? new Set(["unknown"]) : walk(target, table, trial, known);
        for (const ending of there) if (ending !== "through" || effect.verdict === "goto") endings.add(ending);
        ended ||= certain && (effect.verdict === "goto" || !there.has("through"));
        continue;
      }
      ended ||= certain;
    }
    if (ended) return endings;
  }
  endings.add("through");
  return endings;
}
