/** What others do to the host's ruleset: notifications of the kernel, gathered to one value a transaction. */

import type { ReceivedMessage } from "../kernel/netlink/message.ts";
import { decodeGeneration } from "../kernel/netlink/nftables/generation.ts";
import { tableOf } from "../kernel/netlink/nftables/message.ts";

/** A transaction of somebody else's. */
export interface RulesetChange {
  /** Names of the tables of family inet that it touched; undefined where the kernel's word was lost, and it may have been any. */
  readonly tables: readonly string[] | undefined;
  /** Whose it was: process id in the first namespace, and the process's own name for itself. */
  readonly by?: { readonly pid: number; readonly name: string };
}

/** The transactions that notifications tell of, as they end. */
export async function* rulesetChanges(
  notifications: AsyncIterable<readonly ReceivedMessage[] | "overrun">,
): AsyncGenerator<RulesetChange> {
  let tables = new Set<string>();
  for await (const messages of notifications) {
    if (messages === "overrun") {
      tables = new Set();
      yield { tables: undefined };
      continue;
    }
    for (const message of messages) {
      const generation = decodeGeneration(message);
      if (generation === undefined) {
        const table = tableOf(message);
        if (table !== undefined) tables.add(table);
        continue;
      }
      const by = generation.process;
      yield { tables: [...tables], ...(by && { by }) };
      tables = new Set();
    }
  }
}
