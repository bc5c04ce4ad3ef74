import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeForwarding } from "../../../../../src/kernel/netlink/route/fdb.ts";
import {
  createNeighbour,
  decodeNeighbour,
  deleteNeighbour,
  dumpNeighbours,
} from "../../../../../src/kernel/netlink/route/neighbour.ts";
import { anyIp, index, mac, maybe, record, u8, u16 } from "./arbitraries.ts";

const options = record({
  link: index,
  address: anyIp,
  mac: maybe(mac),
  state: maybe(u16),
  flags: maybe(u8),
  protocol: maybe(u8),
});

test("a neighbour request reads back as the entry it describes", () => {
  fc.assert(
    fc.property(options, (neighbour) => {
      const expected = { ...neighbour, state: neighbour.state ?? 0x80, flags: neighbour.flags ?? 0 };
      assert.deepEqual(decodeNeighbour(createNeighbour(neighbour)), expected);
      assert.deepEqual(decodeNeighbour(deleteNeighbour(neighbour)), expected);
    }),
  );
});

test("a dump asks for one link by attribute: strict checking wants the header's index to be 0", () => {
  const { body } = dumpNeighbours(4, { link: 9 });
  assert.deepEqual([...body], [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 8, 0, 9, 0, 0, 0]);
});

test("a neighbour entry is no FDB entry", () => {
  fc.assert(
    fc.property(options, (neighbour) => assert.equal(decodeForwarding(createNeighbour(neighbour)), undefined)),
    { numRuns: 10 },
  );
});
