import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  createForwarding,
  decodeForwarding,
  deleteForwarding,
  dumpForwarding,
  type ForwardingOptions,
} from "../../../../../src/kernel/netlink/route/fdb.ts";
import { decodeNeighbour } from "../../../../../src/kernel/netlink/route/neighbour.ts";
import { anyIp, index, mac, maybe, record, u16, u32 } from "./arbitraries.ts";

const options: fc.Arbitrary<ForwardingOptions> = record({
  link: index,
  mac,
  table: fc.constantFrom<"self" | "master">("self", "master"),
  state: maybe(u16),
  destination: maybe(anyIp),
  vlan: maybe(u16),
  port: maybe(u16),
  vni: maybe(u32),
});

test("an FDB request reads back as the entry it describes", () => {
  fc.assert(
    fc.property(options, (entry) => {
      const { table, ...told } = entry;
      const expected = {
        ...told,
        state: entry.state ?? (table === "master" ? 0x40 : 0xc0),
        flags: table === "master" ? 0x04 : 0x02,
        master: undefined,
      };
      assert.deepEqual(decodeForwarding(createForwarding(entry)), expected);
      assert.deepEqual(decodeForwarding(deleteForwarding(entry)), expected);
    }),
  );
});

test("a dump asks for a link and a bridge by attribute", () => {
  const { body } = dumpForwarding({ link: 4, bridge: 5 });
  assert.deepEqual([...body.subarray(0, 12)], [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...body.subarray(12)], [8, 0, 8, 0, 4, 0, 0, 0, 8, 0, 9, 0, 5, 0, 0, 0]);
});

test("an FDB entry is no neighbour", () => {
  fc.assert(
    fc.property(options, (entry) => assert.equal(decodeNeighbour(createForwarding(entry)), undefined)),
    { numRuns: 10 },
  );
});
