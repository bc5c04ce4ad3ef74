import assert from "node:assert/strict";
import { test } from "node:test";
import { type LostRules, lostAfter, lostInWords, noneLost } from "../../../src/model/user-rules.ts";
import type { ChainChange, RulesetChange } from "../../../src/state/ruleset-changes.ts";

const chain = (name: string, deleted: number, added = 0, table = "portolan"): ChainChange => ({
  table,
  chain: name,
  added,
  deleted,
});
const change = (...chains: readonly ChainChange[]): RulesetChange => ({ tables: ["portolan"], chains });
const after = (...changes: readonly RulesetChange[]): LostRules => changes.reduce(lostAfter, noneLost);

const flush = (rules: number): RulesetChange => change(chain("forward", 9), chain("portolan-user", rules));

const cases: readonly (readonly [name: string, lost: LostRules, words: string | undefined])[] = [
  ["nothing", after(), undefined],
  ["a flush", after(flush(2)), "2 rules of chain portolan-user"],
  ["a flush of an empty chain", after(change(chain("forward", 9))), undefined],
  [
    "a flush that puts one of two back",
    after(change(chain("forward", 9), chain("portolan-user", 2, 1))),
    "1 rule of chain portolan-user",
  ],
  ["a flush, and a transaction that puts them back", after(flush(2), change(chain("portolan-user", 0, 2))), undefined],
  [
    "rules that came before the flush",
    after(change(chain("portolan-user", 0, 3)), flush(3)),
    "3 rules of chain portolan-user",
  ],
  ["what the administrator takes himself", after(change(chain("portolan-user", 2))), undefined],
  [
    "a chain of that name in another table",
    after(change(chain("forward", 9), chain("portolan-user", 2, 0, "mine"))),
    undefined,
  ],
  ["a word that was lost", after({ tables: undefined }), "what rules there were of chain portolan-user"],
  [
    "a word that was lost, and one that was not",
    after({ tables: undefined }, flush(1)),
    "at least 1 rule of chain portolan-user",
  ],
];

for (const [name, lost, words] of cases)
  test(`the administrator's chain loses, by ${name}: ${words ?? "nothing"}`, () => {
    assert.equal(lostInWords(lost, true), words);
  });

test("where his chain stood, no rules of it were lost that nobody knows of", () => {
  assert.equal(lostInWords(after({ tables: undefined }), false), undefined);
});
