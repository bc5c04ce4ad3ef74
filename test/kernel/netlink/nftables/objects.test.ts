import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import {
  type BaseChain,
  decodeChain,
  deleteChain,
  getChains,
  newChain,
  setChainPolicy,
} from "../../../../src/kernel/netlink/nftables/chain.ts";
import { decodeGeneration, getGeneration } from "../../../../src/kernel/netlink/nftables/generation.ts";
import { decodeRule, deleteRule, getRules, newRule } from "../../../../src/kernel/netlink/nftables/rule.ts";
import { decodeSet, deleteSet, getSets, newSet } from "../../../../src/kernel/netlink/nftables/set.ts";
import { decodeTable, deleteTable, getTable, newTable } from "../../../../src/kernel/netlink/nftables/table.ts";
import { exec } from "../../../support/test-host.ts";
import { commit, dump, flush, kernel, listing, refusals, skipNft } from "./host.ts";

const options = { skip: skipNft };
afterEach(() => {
  if (!skipNft) flush();
});

test("a table and its comment are there for nft, and are read back", options, () => {
  commit(newTable({ name: "ours", comment: "managed by portolan" }));
  assert.deepEqual(listing(), ["table inet ours {", 'comment "managed by portolan"', "}"]);
  exec("nft", "add", "table", "inet", "theirs");
  exec("nft", "add", "table", "ip", "ours");
  assert.deepEqual(dump(getTable(), decodeTable), [
    { name: "ours", comment: "managed by portolan" },
    { name: "theirs" },
  ]);
  commit(deleteTable("ours"));
  assert.deepEqual(dump(getTable(), decodeTable), [{ name: "theirs" }]);
});

test("a table that is there is not made a second time", options, () => {
  commit(newTable({ name: "ours" }));
  assert.deepEqual(refusals(newTable({ name: "ours" })), ["EEXIST"]);
});

const bases: Readonly<Record<string, BaseChain>> = {
  "type filter hook forward priority filter; policy accept;": {
    type: "filter",
    hook: "forward",
    priority: 0,
    policy: "accept",
  },
  "type filter hook input priority filter - 5; policy drop;": {
    type: "filter",
    hook: "input",
    priority: -5,
    policy: "drop",
  },
  "type nat hook prerouting priority dstnat; policy accept;": {
    type: "nat",
    hook: "prerouting",
    priority: -100,
    policy: "accept",
  },
  "type nat hook postrouting priority srcnat; policy accept;": {
    type: "nat",
    hook: "postrouting",
    priority: 100,
    policy: "accept",
  },
  "type route hook output priority mangle; policy accept;": {
    type: "route",
    hook: "output",
    priority: -150,
    policy: "accept",
  },
};
for (const [text, base] of Object.entries(bases)) {
  test(`a base chain reads in nft: ${text}`, options, () => {
    const chain = { table: "t", name: "c", base };
    commit(newTable({ name: "t" }), newChain(chain));
    assert.deepEqual(listing(), ["table inet t {", "chain c {", text, "}", "}"]);
    assert.deepEqual(dump(getChains("t"), decodeChain), [chain]);
  });
}

test("a chain's policy changes in place", options, () => {
  const base = { type: "filter", hook: "forward", priority: 0, policy: "accept" } as const;
  const chain = { table: "t", name: "c", base };
  commit(newTable({ name: "t" }), newChain(chain));
  commit(setChainPolicy(chain, "drop"));
  assert.deepEqual(dump(getChains("t"), decodeChain), [{ ...chain, base: { ...base, policy: "drop" } }]);
});

test("chains and sets that are in use are not deleted", options, () => {
  const set = { table: "t", name: "s", key: { number: 41, length: 16 }, interval: false };
  commit(
    newTable({ name: "t" }),
    newChain({ table: "t", name: "a" }),
    newChain({ table: "t", name: "b" }),
    newSet(set),
    newRule({
      table: "t",
      chain: "a",
      expressions: [
        { type: "meta", key: "iifname", to: 1 },
        { type: "lookup", set: "s", from: 1 },
        { type: "verdict", verdict: "jump", chain: "b" },
      ],
    }),
  );
  assert.deepEqual(refusals(deleteChain("t", "b")), ["EBUSY"]);
  assert.deepEqual(refusals(deleteSet("t", "s")), ["EBUSY"]);
  commit(deleteChain("t", "a"), deleteChain("t", "b"), deleteSet("t", "s"));
  assert.deepEqual(dump(getChains("t"), decodeChain), []);
  assert.deepEqual(dump(getSets("t"), decodeSet), []);
});

test("rules go to the end, before one that is there, or before one of the same transaction", options, () => {
  const rule = (comment: string) => ({ table: "t", chain: "c", comment, expressions: [{ type: "counter" } as const] });
  const comments = () => dump(getRules("t", "c"), decodeRule).map(({ comment }) => comment);
  commit(newTable({ name: "t" }), newChain({ table: "t", name: "c" }), newRule(rule("first")), newRule(rule("last")));
  const last = dump(getRules("t", "c"), decodeRule).at(-1);
  assert.ok(last);
  const before = { handle: last.handle };
  commit(newRule(rule("third"), { before, id: 7 }), newRule(rule("second"), { before: { id: 7 } }));
  assert.deepEqual(comments(), ["first", "second", "third", "last"]);
  commit(deleteRule("t", "c", last.handle));
  assert.deepEqual(comments(), ["first", "second", "third"]);
  assert.deepEqual(refusals(deleteRule("t", "c", last.handle)), ["ENOENT"]);
  assert.deepEqual(listing().slice(2, 5), [
    'counter packets 0 bytes 0 comment "first"',
    'counter packets 0 bytes 0 comment "second"',
    'counter packets 0 bytes 0 comment "third"',
  ]);
});

test("a transaction takes effect as a whole or not at all, and the message at fault is told", options, () => {
  const messages = [
    newTable({ name: "t" }),
    newChain({ table: "t", name: "c" }),
    newRule({ table: "t", chain: "nowhere", expressions: [] }),
    newChain({ table: "t", name: "d" }),
  ];
  assert.deepEqual(refusals(...messages), [undefined, undefined, "ENOENT", undefined]);
  assert.deepEqual(listing(), []);
});

test("every transaction raises the generation by one", options, () => {
  const generation = () => {
    const [answer] = kernel.get("host", "netfilter", getGeneration());
    return answer && decodeGeneration(answer)?.id;
  };
  const before = generation();
  assert.ok(before !== undefined);
  commit(newTable({ name: "t" }));
  assert.equal(generation(), before + 1);
});

test("somebody's rule with expressions that the engine never makes is read as it is", options, () => {
  exec("nft", "add table inet t; add chain inet t c; add rule inet t c quota 10 mbytes tcp option maxseg exists");
  const [rule] = dump(getRules("t"), decodeRule);
  assert.deepEqual(
    rule?.expressions.map((expression) => expression.type === "unknown" && expression.name),
    ["quota", "exthdr", false],
  );
});
