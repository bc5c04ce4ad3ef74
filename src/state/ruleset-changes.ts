/** What others do to the host's ruleset: notifications of the kernel, gathered to one value a transaction. */

import type { ReceivedMessage } from "../kernel/netlink/message.ts";
import { decodeGeneration } from "../kernel/netlink/nftables/generation.ts";
import { tableOf } from "../kernel/netlink/nftables/message.ts";
import { movedRule } from "../kernel/netlink/nftables/rule.ts";

/** A chain of family inet, and how many rules came and went in a transaction. */
export interface ChainChange {
  readonly table: string;
  readonly chain: string;
  readonly added: number;
  readonly deleted: number;
}

/** A transaction of somebody else's. */
export interface RulesetChange {
  /** Names of the tables of the families inet and bridge that it touched; undefined where the kernel's word was lost, and it may have been any. */
  readonly tables: readonly string[] | undefined;
  /** The chains whose rules it changed; absent where there are none, or the kernel's word was lost. */
  readonly chains?: readonly ChainChange[];
  /** Whose it was: process id in the first namespace, and the process's own name for itself. */
  readonly by?: { readonly pid: number; readonly name: string };
}

/** The transactions that notifications tell of, as they end. */
export async function* rulesetChanges(
  notifications: AsyncIterable<readonly ReceivedMessage[] | "overrun">,
): AsyncGenerator<RulesetChange> {
  let tables = new Set<string>();
  let chains = new Map<string, ChainChange>();
  for await (const messages of notifications) {
    if (messages === "overrun") {
      tables = new Set();
      chains = new Map();
      yield { tables: undefined };
      continue;
    }
    for (const message of messages) {
      const generation = decodeGeneration(message);
      if (generation === undefined) {
        const table = tableOf(message);
        if (table !== undefined) tables.add(table);
        note(chains, message);
        continue;
      }
      const by = generation.process;
      yield { tables: [...tables], ...(chains.size > 0 && { chains: [...chains.values()] }), ...(by && { by }) };
      tables = new Set();
      chains = new Map();
    }
  }
}

/** Counts a rule that came or went. */
function note(chains: Map<string, ChainChange>, message: ReceivedMessage): void {
  const rule = movedRule(message);
  if (rule === undefined) return;
  const { table, chain, moved } = rule;
  const key = `${table} ${chain}`;
  const before = chains.get(key) ?? { table, chain, added: 0, deleted: 0 };
  chains.set(key, { ...before, [moved]: before[moved] + 1 });
}
