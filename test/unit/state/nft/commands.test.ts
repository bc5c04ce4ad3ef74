import assert from "node:assert/strict";
import { test } from "node:test";
import { isPortolanError } from "../../../../src/errors.ts";
import {
  addChain,
  addElements,
  addRule,
  addSet,
  addTable,
  deleteElements,
  deleteSet,
  setPolicy,
} from "../../../../src/state/nft/commands.ts";
import { nftElement } from "../../../../src/state/nft/elements.ts";
import { markMisplaced, parseRuleComment, ruleComment } from "../../../../src/state/nft/ownership.ts";
import { accept, rule } from "../../../../src/state/nft/statements.ts";
import type { NftChain, NftRule } from "../../../../src/state/objects.ts";
import { sets } from "./rule-cases.ts";

const chain: NftChain = {
  kind: "nft-chain",
  namespace: "host",
  table: "portolan",
  name: "forward",
  base: { type: "filter", hook: "forward", priority: 0, policy: "accept" },
};
const accepting: NftRule = {
  kind: "nft-rule",
  namespace: "host",
  table: "portolan",
  chain: "forward",
  id: "administrator's own",
  position: 10,
  expressions: rule(accept()),
};

const commands: Readonly<Record<string, string>> = {
  [addTable({
    kind: "nft-table",
    namespace: "host",
    name: "portolan",
  })]: `nft add table inet portolan '{ comment "managed by portolan" ; }'`,
  [addChain(chain)]:
    "nft add chain inet portolan forward '{ type filter hook forward priority filter; policy accept; }'",
  [setPolicy({ ...chain, base: { type: "filter", hook: "forward", priority: 0, policy: "drop" } })]:
    "nft chain inet portolan forward '{ policy drop; }'",
  [addSet(sets.links)]: "nft add set inet portolan links '{ type ifname; }'",
  [addSet(sets.ranges4)]:
    "nft add map inet portolan ranges4 '{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; flags interval; }'",
  [deleteSet(sets.ports)]: "nft delete map inet portolan ports",
  [addElements([
    nftElement(sets.links, ["br0"]),
    nftElement(sets.links, ["br1"]),
  ])]: `nft add element inet portolan links '{ "br0", "br1" }'`,
  [addElements([
    nftElement(sets.ranges4, [{ prefix: "10.0.0.0/8" }, "tcp", { from: "80", to: "90" }], ["192.0.2.1", "80"]),
  ])]: "nft add element inet portolan ranges4 '{ 10.0.0.0/8 . tcp . 80-90 : 192.0.2.1 . 80 }'",
  [deleteElements([
    nftElement(sets.verdicts, ["br0"], ["jump other"]),
  ])]: `nft delete element inet portolan verdicts '{ "br0" }'`,
  [addTable({
    kind: "nft-table",
    namespace: "host",
    family: "bridge",
    name: "portolan",
  })]: `nft add table bridge portolan '{ comment "managed by portolan" ; }'`,
  [addChain({
    ...chain,
    family: "bridge",
    base: { type: "filter", hook: "prerouting", priority: -300, policy: "accept" },
  })]: "nft add chain bridge portolan forward '{ type filter hook prerouting priority -300; policy accept; }'",
  [addSet({ ...sets.links, family: "bridge" })]: "nft add set bridge portolan links '{ type ifname; }'",
  [addElements([
    nftElement({ ...sets.links, family: "bridge" }, ["br0"]),
  ])]: `nft add element bridge portolan links '{ "br0" }'`,
  [addRule(accepting)]: `nft add rule inet portolan forward 'accept comment "portolan 10 administrator'\\''s own"'`,
};
for (const [made, wanted] of Object.entries(commands)) {
  test(`the command is: ${wanted}`, () => assert.equal(made, wanted));
}

test("a rule's comment tells position and id, and others' comments tell nothing", () => {
  assert.deepEqual(parseRuleComment(ruleComment({ position: 30, id: "to the host" })), {
    position: 30,
    id: "to the host",
  });
  for (const comment of [undefined, "", "portolan", "portolan x y", "allow ssh", "portolan -1 x"]) {
    assert.equal(parseRuleComment(comment), undefined);
  }
});

test("an id that would be lost in the comment is refused", () => {
  for (const id of ["", 'a"b', "x".repeat(130)]) {
    assert.throws(
      () => ruleComment({ position: 1, id }),
      (error) => isPortolanError(error, "internal"),
    );
  }
});

test("rules behind one of a greater position are misplaced", () => {
  const at = (position: number): NftRule => ({ ...accepting, id: `r${position}`, position });
  const marked = markMisplaced([10, 30, 20, 40, 25].map(at));
  assert.deepEqual(
    marked.filter(({ misplaced }) => misplaced).map(({ position }) => position),
    [20, 25],
  );
});
