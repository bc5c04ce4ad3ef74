import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { newChain } from "../../../../src/kernel/netlink/nftables/chain.ts";
import {
  deleteElements,
  getElements,
  newElements,
  readElements,
} from "../../../../src/kernel/netlink/nftables/element.ts";
import { decodeSet, getSets, newSet } from "../../../../src/kernel/netlink/nftables/set.ts";
import { deleteTable, newTable } from "../../../../src/kernel/netlink/nftables/table.ts";
import { decodeElement, elementForm, encodeElement, nftElement } from "../../../../src/state/nft/elements.ts";
import { decodeSetForm, encodeSetForm } from "../../../../src/state/nft/sets.ts";
import type { NftElement, NftKeyPart, NftSet } from "../../../../src/state/objects.ts";
import { exec } from "../../../support/test-host.ts";
import { sets, table } from "../../../unit/state/nft/rule-cases.ts";
import { commit, dump, flush, kernel, listing, refusals, skipNft } from "./host.ts";

const options = { skip: skipNft };
const other = { table, name: "other" };

beforeEach(() => {
  commit(newTable({ name: table }), newChain(other));
});
afterEach(() => {
  if (skipNft) commit(deleteTable(table));
  else flush();
});

const add = (set: NftSet, elements: readonly NftElement[]) =>
  newElements({ table, set: set.name }, elementForm(set), elements.map(encodeElement)).map(({ message }) => message);
const remove = (set: NftSet, elements: readonly NftElement[]) =>
  deleteElements({ table, set: set.name }, elementForm(set), elements.map(encodeElement)).map(({ message }) => message);
const elementsOf = (set: NftSet) =>
  readElements(() => kernel.dump("host", "netfilter", getElements({ table, set: set.name })), elementForm(set)).map(
    (element) => decodeElement(set, element),
  );
const sorted = (elements: readonly NftElement[]) =>
  elements.toSorted((a, b) => (encodeElement(a).key < encodeElement(b).key ? -1 : 1));

interface Case {
  readonly set: NftSet;
  readonly elements: readonly (readonly [key: readonly NftKeyPart[], data?: readonly string[]])[];
  /** The lines of `nft list` inside the set. */
  readonly listed: readonly string[];
}

const cases: readonly Case[] = [
  { set: sets.links, elements: [[["br0"]]], listed: ["type ifname", 'elements = { "br0" }'] },
  {
    set: sets.pairs,
    elements: [[["br0", "br1"]]],
    listed: ["type ifname . ifname", 'elements = { "br0" . "br1" }'],
  },
  ...["accept", "drop", "continue", "return", "jump other", "goto other"].map((verdict) => ({
    set: sets.verdicts,
    elements: [[["br0"], [verdict]] as const],
    listed: ["type ifname : verdict", `elements = { "br0" : ${verdict} }`],
  })),
  { set: sets.marks, elements: [[["0x10"]]], listed: ["type mark", "elements = { 0x00000010 }"] },
  {
    set: sets.macs,
    elements: [[["02:42:00:00:00:01"]]],
    listed: ["type ether_addr", "elements = { 02:42:00:00:00:01 }"],
  },
  { set: sets.protocols, elements: [[["tcp"]]], listed: ["type inet_proto", "elements = { tcp }"] },
  {
    set: sets.linkRanges,
    elements: [[["br0"]]],
    listed: ["type ifname", "flags interval", 'elements = { "br0" }'],
  },
  {
    set: sets.subnets4,
    elements: [
      [[{ prefix: "10.0.0.0/8" }]],
      [[{ prefix: "11.0.0.0/8" }]],
      [["192.0.2.1"]],
      [[{ from: "192.0.2.7", to: "192.0.2.9" }]],
      [[{ prefix: "240.0.0.0/4" }]],
    ],
    listed: [
      "type ipv4_addr",
      "flags interval",
      "elements = { 10.0.0.0/8, 11.0.0.0/8, 192.0.2.1, 192.0.2.7-192.0.2.9, 240.0.0.0/4 }",
    ],
  },
  {
    set: sets.subnets4,
    elements: [[[{ prefix: "0.0.0.0/0" }]]],
    listed: ["type ipv4_addr", "flags interval", "elements = { 0.0.0.0/0 }"],
  },
  {
    set: sets.subnets6,
    elements: [[["2001:db8::1"]], [[{ prefix: "fd00::/8" }]]],
    listed: ["type ipv6_addr", "flags interval", "elements = { 2001:db8::1, fd00::/8 }"],
  },
  {
    set: sets.published4,
    elements: [
      [
        ["tcp", "80"],
        ["10.0.0.1", "8080"],
      ],
    ],
    listed: ["type inet_proto . inet_service : ipv4_addr . inet_service", "elements = { tcp . 80 : 10.0.0.1 . 8080 }"],
  },
  {
    set: sets.ranges4,
    elements: [
      [
        [{ prefix: "10.0.0.0/8" }, "tcp", { from: "80", to: "90" }],
        ["10.0.0.1", "80"],
      ],
      [
        ["192.0.2.1", "udp", "53"],
        ["10.0.0.2", "53"],
      ],
    ],
    listed: [
      "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
      "flags interval",
      "elements = { 10.0.0.0/8 . tcp . 80-90 : 10.0.0.1 . 80, 192.0.2.1 . udp . 53 : 10.0.0.2 . 53 }",
    ],
  },
  {
    set: sets.ranges6,
    elements: [
      [
        [{ prefix: "::/0" }, "tcp", "80"],
        ["fd00::1", "80"],
      ],
    ],
    listed: [
      "type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
      "flags interval",
      "elements = { ::/0 . tcp . 80 : fd00::1 . 80 }",
    ],
  },
  {
    set: sets.ports,
    elements: [
      [[{ from: "80", to: "90" }], ["10.0.0.1"]],
      [["91"], ["10.0.0.2"]],
      [["65535"], ["10.0.0.3"]],
    ],
    listed: [
      "type inet_service : ipv4_addr",
      "flags interval",
      "elements = { 80-90 : 10.0.0.1, 91 : 10.0.0.2, 65535 : 10.0.0.3 }",
    ],
  },
  {
    set: sets.portMarks,
    elements: [[["80"], ["0x5"]]],
    listed: ["type inet_service : mark", "elements = { 80 : 0x00000005 }"],
  },
];

for (const { set, elements: given, listed } of cases) {
  const elements = given.map(([key, data]) => nftElement(set, key, data));

  test(`nft lists of ${set.name}: ${listed.slice(1).join(" ")}`, options, () => {
    commit(newSet(encodeSetForm(set)), ...add(set, elements));
    const lines = listing();
    assert.deepEqual(lines.slice(2, 2 + listed.length), listed);
    assert.deepEqual(
      dump(getSets(table), decodeSet).map((found) => decodeSetForm("host", found)),
      [set],
    );
    assert.deepEqual(elementsOf(set), sorted(elements));
    commit(...remove(set, elements));
    assert.deepEqual(elementsOf(set), []);
  });

  test(`what nft makes is read as ours: ${set.name} ${listed.slice(1).join(" ")}`, options, () => {
    const kind = set.data ? "map" : "set";
    exec("nft", `add ${kind} inet ${table} ${set.name} { ${listed.join("; ")} ; }`);
    assert.deepEqual(
      dump(getSets(table), decodeSet).map((found) => decodeSetForm("host", found)),
      [set],
    );
    assert.deepEqual(elementsOf(set), sorted(elements));
    commit(...remove(set, elements));
    assert.deepEqual(elementsOf(set), []);
  });
}

test("ranges that overlap are refused, and so is an element that is there", options, () => {
  const wide = nftElement(sets.subnets4, [{ prefix: "10.0.0.0/8" }]);
  const narrow = nftElement(sets.subnets4, [{ prefix: "10.1.0.0/16" }]);
  commit(newSet(encodeSetForm(sets.subnets4)), ...add(sets.subnets4, [wide]));
  assert.deepEqual(refusals(...add(sets.subnets4, [narrow])), ["EEXIST"]);
  assert.deepEqual(refusals(...add(sets.subnets4, [wide])), ["EEXIST"]);
  assert.deepEqual(refusals(...remove(sets.subnets4, [narrow])), ["ENOENT"]);
});

const port = (i: number) => String(1 + (i % 60_000));
const target = (i: number) => [`10.0.${i >> 8}.${i & 255}`, "80"];
const many: readonly { readonly set: NftSet; readonly element: (i: number) => NftElement }[] = [
  {
    set: sets.published4,
    element: (i) => nftElement(sets.published4, [i % 2 ? "tcp" : "udp", port(i)], target(i)),
  },
  {
    set: sets.subnets4,
    element: (i) => nftElement(sets.subnets4, [{ prefix: `10.${i >> 8}.${i & 255}.0/24` }]),
  },
  {
    set: sets.ranges4,
    element: (i) => nftElement(sets.ranges4, [`192.0.2.${i & 255}`, "tcp", port(i)], target(i)),
  },
];
for (const { set, element } of many) {
  for (const count of set === sets.ranges4 ? [1000] : [1000, 10_000]) {
    test(`${count} elements of ${set.name} come and go in one transaction each`, () => {
      const elements = Array.from({ length: count }, (_, i) => element(i));
      commit(newSet(encodeSetForm(set)), ...add(set, elements));
      // Not deepEqual: what it tells of so many that differ takes all memory.
      assert.ok(isDeepStrictEqual(elementsOf(set), sorted(elements)));
      commit(...remove(set, elements));
      assert.equal(elementsOf(set).length, 0);
    });
  }
}
