/** How the engine's nft steps become transactions: rules find their places, healing is exact, others' rules stay. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { decodeRule, getRules } from "../../../../src/kernel/netlink/nftables/rule.ts";
import { nftRule } from "../../../../src/state/kinds/nft.ts";
import { placeRule } from "../../../../src/state/nft/commands.ts";
import { nftElement } from "../../../../src/state/nft/elements.ts";
import { ruleComment } from "../../../../src/state/nft/ownership.ts";
import { iifname } from "../../../../src/state/nft/selectors.ts";
import { accept, counter, drop, jump, lookup, rule } from "../../../../src/state/nft/statements.ts";
import { type NftStep, transactionParts } from "../../../../src/state/nft/transaction.ts";
import type { KernelObject, NftChain, NftRule, NftTable } from "../../../../src/state/objects.ts";
import { plan } from "../../../../src/state/plan.ts";
import { exec } from "../../../support/test-host.ts";
import { sets, table as tableName } from "../../../unit/state/nft/rule-cases.ts";
import { commit, dump, flush, kernel, listing, skipNft } from "../../netlink/nftables/host.ts";

const options = { skip: skipNft };
const where = { namespace: "host", table: tableName } as const;
const table: NftTable = { kind: "nft-table", namespace: "host", name: tableName };
const chain: NftChain = { kind: "nft-chain", ...where, name: "c" };
const at = (position: number, statements = [counter()]): NftRule => ({
  kind: "nft-rule",
  ...where,
  chain: "c",
  id: `rule ${position}`,
  position,
  expressions: rule(...statements),
});
const rules = [10, 20, 30, 40].map((position) => at(position));

function carryOut(...steps: readonly (readonly [NftStep["verb"], NftStep["object"]])[]): number {
  const parts = transactionParts(
    kernel,
    steps.map(([verb, object]) => ({ type: "nft", namespace: "host", verb, object })),
  );
  commit(...parts.map(({ message }) => message));
  return parts.length;
}

const create = (...objects: readonly NftStep["object"][]) =>
  carryOut(...objects.map((one) => ["create", one] as const));

/** The rules of the chain, in order. */
const inPlace = () => dump(getRules(tableName, "c"), decodeRule).map(({ comment }) => comment ?? "somebody's");
const observe = (): readonly NftRule[] =>
  nftRule.observe({
    kernel,
    namespaces: [{ namespace: "host", kernel, links: [], linkName: () => undefined }],
    desired: [],
    wanted: new Set(),
  });
const comments = (some: readonly NftRule[]) => some.map(ruleComment);

beforeEach(() => {
  if (skipNft) return;
  flush();
  create(table, chain);
});

test("rules stand by position in whichever order they are made", options, () => {
  const [first, second, third, fourth] = rules;
  assert.ok(first && second && third && fourth);
  create(third, first, fourth, second);
  assert.deepEqual(inPlace(), comments(rules));
});

test("a rule that is made again goes to its place among those that are there", options, () => {
  create(...rules);
  const [first, second, third] = rules;
  assert.ok(first && second && third);
  carryOut(["delete", second], ["delete", third]);
  carryOut(["create", third], ["create", second]);
  assert.deepEqual(inPlace(), comments(rules));
  carryOut(["delete", third], ["delete", second], ["create", second], ["create", third]);
  assert.deepEqual(inPlace(), comments(rules));
});

test("the command that places a rule puts it where the message does", options, () => {
  const [first, second, third, fourth] = rules;
  assert.ok(first && second && third && fourth);
  create(second, fourth);
  exec("sh", "-e", "-c", [third, first, at(50)].map(placeRule).join("\n"));
  assert.deepEqual(inPlace(), comments([...rules, at(50)]));
});

/** What a plan from the kernel's state to `desired` does to the chain. */
function heal(desired: readonly NftRule[]): number {
  const changes = plan(desired, observe() satisfies readonly KernelObject[]);
  carryOut(...changes.map(({ action, object }) => [action, object as NftRule] as const)); // the plan is of rules alone
  return changes.length;
}

const damages: Readonly<Record<string, (handles: readonly bigint[]) => string>> = {
  "all rules are gone": () => `flush chain inet ${tableName} c`,
  "the first one is gone": ([first]) => `delete rule inet ${tableName} c handle ${first}`,
  "one in the middle is gone": ([, second]) => `delete rule inet ${tableName} c handle ${second}`,
  "one was moved to the end": ([first]) =>
    `delete rule inet ${tableName} c handle ${first}; add rule inet ${tableName} c counter comment "${ruleComment(at(10))}"`,
  "one was moved to the front": () => `insert rule inet ${tableName} c counter comment "${ruleComment(at(40))}"`,
  "one does something else": ([, , third]) =>
    `replace rule inet ${tableName} c handle ${third} drop comment "${ruleComment(at(30))}"`,
  "one that we do not know says it is ours": () => `add rule inet ${tableName} c drop comment "${ruleComment(at(15))}"`,
};
for (const [damage, command] of Object.entries(damages)) {
  test(`healed: ${damage}`, options, () => {
    create(...rules);
    exec("nft", `insert rule inet ${tableName} c drop comment "administrator's"`);
    exec("nft", `add rule inet ${tableName} c accept`);
    const handles = dump(getRules(tableName, "c"), decodeRule)
      .filter(({ comment }) => comment?.startsWith("portolan"))
      .map(({ handle }) => handle);
    exec("nft", command(handles));
    assert.ok(heal(rules) > 0);
    assert.deepEqual(
      inPlace().filter((comment) => comment.startsWith("portolan")),
      comments(rules),
    );
    if (damage !== "all rules are gone") {
      assert.deepEqual(
        inPlace().filter((comment) => !comment.startsWith("portolan")),
        ["administrator's", "somebody's"],
      );
    }
    assert.deepEqual(
      observe().map(({ expressions }) => expressions),
      rules.map(({ expressions }) => expressions),
    );
    assert.equal(heal(rules), 0);
  });
}

test("a table goes in one message with all that is in it", options, () => {
  const jumping = at(50, [lookup(iifname(), "@links"), jump("c2")]);
  const second: NftChain = { ...chain, name: "c2" };
  const element = nftElement(sets.links, ["br0"]);
  create(second, sets.links, jumping, element);
  const sent = carryOut(
    ["delete", element],
    ["delete", jumping],
    ["delete", second],
    ["delete", chain],
    ["delete", sets.links],
    ["delete", table],
  );
  assert.equal(sent, 1);
  assert.deepEqual(listing(), []);
});

test("elements of one set share messages, and each message knows its own", options, () => {
  create(sets.links, sets.verdicts);
  const links = Array.from({ length: 2000 }, (_, i) => nftElement(sets.links, [`br${i}`]));
  const verdict = nftElement(sets.verdicts, ["br0"], ["drop"]);
  const steps = [...links, verdict].map(
    (object) => ({ type: "nft", namespace: "host", verb: "create", object }) as const,
  );
  const parts = transactionParts(kernel, steps);
  assert.ok(parts.length > 2 && parts.length < 20);
  assert.deepEqual(
    parts.flatMap((part) => part.steps),
    steps,
  );
  commit(...parts.map(({ message }) => message));
  assert.equal(carryOut(...steps.map(({ object }) => ["delete", object] as const)), parts.length);
});

test("rules that accept and drop are told apart", options, () => {
  create(at(10, [accept()]));
  assert.equal(heal([at(10, [drop()])]), 2);
  assert.equal(heal([at(10, [drop()])]), 0);
});
