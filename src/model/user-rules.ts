/**
 * What the administrator's chain loses when somebody else takes our table away. His rules are nobody's to write again but his; so that he knows, the event that tells of
 * the mending says how many there were.
 */
import { userChain } from "../firewall/isolation.ts";
import type { RulesetChange } from "../state/engine.ts";

/** Rules that were lost since somebody last looked. */
export interface LostRules {
  readonly count: number;
  /** Whether the kernel's word of a transaction was lost, so that there may be more. */
  readonly uncertain: boolean;
}

export const noneLost: LostRules = { count: 0, uncertain: false };

/** The same after one more transaction. Rules that come back are lost no more; who deletes rules of this chain and of no other of ours means it. */
export function lostAfter(before: LostRules, { tables, chains = [] }: RulesetChange): LostRules {
  if (tables === undefined) return { ...before, uncertain: true };
  const ours = chains.filter(({ table }) => table === userChain.table);
  const his = ours.find(({ chain }) => chain === userChain.name);
  if (his === undefined) return before;
  const deleted = ours.length > 1 ? his.deleted : 0;
  return { ...before, count: Math.max(0, before.count + deleted - his.added) };
}

/** Both together. */
export const lostTogether = (a: LostRules, b: LostRules): LostRules => ({
  count: a.count + b.count,
  uncertain: a.uncertain || b.uncertain,
});

/** What was lost, in words; undefined where nothing was. `chainAnew`: the chain itself had to be made again. */
export function lostInWords({ count, uncertain }: LostRules, chainAnew: boolean): string | undefined {
  const from = `of chain ${userChain.name}`;
  if (uncertain && chainAnew) return count > 0 ? `at least ${rules(count)} ${from}` : `what rules there were ${from}`;
  return count > 0 ? `${rules(count)} ${from}` : undefined;
}

const rules = (count: number): string => (count === 1 ? "1 rule" : `${count} rules`);
