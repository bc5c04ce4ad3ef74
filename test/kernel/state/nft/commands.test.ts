/** The explanation cannot lie: what nft makes of the commands is what the kernel makes of our messages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeChain, getChains } from "../../../../src/kernel/netlink/nftables/chain.ts";
import { decodeElements, getElements } from "../../../../src/kernel/netlink/nftables/element.ts";
import { decodeRule, getRules } from "../../../../src/kernel/netlink/nftables/rule.ts";
import { decodeSet, getSets } from "../../../../src/kernel/netlink/nftables/set.ts";
import { decodeTable, getTable } from "../../../../src/kernel/netlink/nftables/table.ts";
import * as commands from "../../../../src/state/nft/commands.ts";
import { elementForm, nftElement } from "../../../../src/state/nft/elements.ts";
import { transactionParts } from "../../../../src/state/nft/transaction.ts";
import type { NftChain, NftElement, NftRule, NftTable } from "../../../../src/state/objects.ts";
import { exec } from "../../../support/test-host.ts";
import { type BaseChainName, ruleCases, sets, table as tableName } from "../../../unit/state/nft/rule-cases.ts";
import { commit, dump, flush, kernel, listing, skipNft } from "../../netlink/nftables/host.ts";

const where = { namespace: "host", table: tableName } as const;
const table: NftTable = { kind: "nft-table", namespace: "host", name: tableName };
const chain = (name: string, base?: NftChain["base"]): NftChain => ({
  kind: "nft-chain",
  ...where,
  name,
  ...(base && { base }),
});
const bases: Readonly<Record<BaseChainName, NonNullable<NftChain["base"]>>> = {
  forward: { type: "filter", hook: "forward", priority: -7, policy: "drop" },
  prerouting: { type: "nat", hook: "prerouting", priority: -100, policy: "accept" },
  postrouting: { type: "nat", hook: "postrouting", priority: 100, policy: "accept" },
  raw: { type: "filter", hook: "prerouting", priority: -300, policy: "accept" },
};
const chains = [chain("other"), ...Object.entries(bases).map(([name, base]) => chain(name, base))];
const rules = ruleCases.map(
  ({ chain: name, text, expressions }, position): NftRule => ({
    kind: "nft-rule",
    ...where,
    chain: name,
    id: text.replaceAll('"', "").slice(0, 100),
    position,
    expressions,
  }),
);
const elements: readonly NftElement[] = [
  nftElement(sets.links, ["br0"]),
  nftElement(sets.links, ["br1"]),
  nftElement(sets.pairs, ["br0", "br1"]),
  ...["accept", "drop", "continue", "return", "jump other", "goto other"].map((verdict, i) =>
    nftElement(sets.verdicts, [`br${i}`], [verdict]),
  ),
  nftElement(sets.marks, ["0x10"]),
  nftElement(sets.macs, ["02:42:00:00:00:01"]),
  nftElement(sets.protocols, ["icmpv6"]),
  nftElement(sets.protocols, ["47"]),
  nftElement(sets.linkRanges, ["br0"]),
  nftElement(sets.subnets4, [{ prefix: "10.0.0.0/8" }]),
  nftElement(sets.subnets4, [{ from: "192.0.2.7", to: "192.0.2.9" }]),
  nftElement(sets.subnets4, [{ prefix: "240.0.0.0/4" }]),
  nftElement(sets.subnets6, [{ prefix: "fd00::/8" }]),
  nftElement(sets.subnets6, ["2001:db8::1"]),
  nftElement(sets.published4, ["tcp", "80"], ["10.0.0.1", "8080"]),
  nftElement(sets.published6, ["sctp", "80"], ["fd00::1", "8080"]),
  nftElement(sets.ranges4, [{ prefix: "10.0.0.0/8" }, "tcp", { from: "80", to: "90" }], ["10.0.0.1", "80"]),
  nftElement(sets.ranges4, ["192.0.2.1", "udp", "53"], ["10.0.0.2", "53"]),
  nftElement(sets.ranges6, [{ prefix: "::/0" }, "tcp", "80"], ["fd00::1", "80"]),
  nftElement(sets.ports, [{ from: "80", to: "90" }], ["10.0.0.1"]),
  nftElement(sets.ports, ["65535"], ["10.0.0.2"]),
  nftElement(sets.portMarks, ["80"], ["0x5"]),
];

/** Everything the kernel has, as our codecs read it; handles, which count up, left out. */
function observed() {
  const setNames = new Set(dump(getSets(tableName), decodeSet).map(({ name }) => name));
  const setsThere = Object.values(sets).filter(({ name }) => setNames.has(name));
  return {
    tables: dump(getTable(), decodeTable),
    chains: dump(getChains(tableName), decodeChain),
    sets: dump(getSets(tableName), decodeSet),
    elements: setsThere.map((set) => {
      const answers = kernel.dump("host", "netfilter", getElements({ table: tableName, set: set.name }));
      return decodeElements(answers, elementForm(set));
    }),
    rules: dump(getRules(tableName), decodeRule).map(({ handle: _, ...rule }) => rule),
  };
}

/** Has our messages make everything. */
function make(): void {
  const objects = [table, ...chains, ...Object.values(sets), ...elements, ...rules];
  const steps = objects.map((object) => ({ type: "nft", namespace: "host", verb: "create", object }) as const);
  commit(...transactionParts(kernel, steps).map(({ message }) => message));
}

test("commands and messages leave the kernel in the same state", { skip: skipNft }, () => {
  make();
  const ours = observed();
  const lines = listing();
  assert.deepEqual(
    ours.rules.map(({ expressions }) => expressions),
    chains.flatMap(({ name }) => rules.filter((rule) => rule.chain === name)).map(({ expressions }) => expressions),
  );

  flush();
  const groups = [...Map.groupBy(elements, ({ set }) => set).values()];
  const script = [
    commands.addTable(table),
    ...chains.map(commands.addChain),
    ...Object.values(sets).map(commands.addSet),
    ...groups.map(commands.addElements),
    ...rules.map(commands.addRule),
  ];
  exec("sh", "-e", "-c", script.join("\n"));
  const theirs = observed();
  for (const [at, rule] of ours.rules.entries()) assert.deepEqual(theirs.rules[at], rule);
  assert.deepEqual(theirs, ours);
  assert.deepEqual(listing(), lines);

  const undo = [
    ...rules.slice(0, 3).map(commands.deleteRule),
    ...groups.map(commands.deleteElements),
    ...chains.filter(({ base }) => base).map(commands.deleteChain),
    ...Object.values(sets).map(commands.deleteSet),
  ];
  exec("sh", "-e", "-c", undo.join("\n"));
  const left = observed();
  assert.deepEqual([left.rules, left.elements.flat(), left.sets], [[], [], []]);
  assert.deepEqual(left.chains, [{ table: tableName, name: "other" }]);
  exec("sh", "-e", "-c", [commands.deleteChain(chain("other")), commands.deleteTable(table)].join("\n"));
  assert.deepEqual(listing(), []);
});

test("the command that changes a policy does what the message does", { skip: skipNft }, () => {
  const before = chain("forward", bases.forward);
  const after = chain("forward", { ...bases.forward, policy: "accept" });
  exec("sh", "-e", "-c", [commands.addTable(table), commands.addChain(before), commands.setPolicy(after)].join("\n"));
  assert.deepEqual(
    dump(getChains(tableName), decodeChain).map(({ base }) => base),
    [after.base],
  );
  flush();
});
