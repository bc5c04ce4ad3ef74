/** The records against a list of what was set. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type EndpointNames, Records } from "../../../src/naming/records.ts";

const endpoint: fc.Arbitrary<EndpointNames> = fc.record(
  {
    id: fc.constantFrom("1", "2", "3", "4"),
    networkId: fc.constantFrom("n1", "n2"),
    networkName: fc.constant("front"),
    names: fc.array(fc.constantFrom("web", "WEB", "db", "x.y"), { maxLength: 3 }),
    addresses: fc.array(fc.constantFrom("\x0a\x00\x00\x01", "\x0a\x00\x00\x02"), { maxLength: 2 }),
  },
  { noNullPrototype: true },
);

const command = fc.oneof(endpoint, fc.constantFrom("1", "2", "3", "4"));

test("after any changes the records say what a list of the endpoints says", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
      const records = new Records();
      const list = new Map<string, EndpointNames>();
      for (const one of commands) {
        if (typeof one === "string") {
          assert.equal(records.remove(one), list.delete(one));
        } else {
          const same = JSON.stringify(list.get(one.id)) === JSON.stringify(one);
          assert.equal(records.set(one), !same);
          list.set(one.id, one);
        }
      }
      for (const id of ["n1", "n2"]) {
        const there = [...list.values()].filter(({ networkId }) => networkId === id);
        const network = records.network(id);
        for (const name of ["web", "db", "x.y"]) {
          const want = there
            .filter(({ names }) => names.some((own) => own.toLowerCase() === name))
            .map((one) => one.id);
          assert.deepEqual((network?.byName.get(name) ?? []).map((one) => one.id).toSorted(), want.toSorted());
        }
        for (const address of ["\x0a\x00\x00\x01", "\x0a\x00\x00\x02"]) {
          const want = there.filter(({ addresses }) => addresses.includes(address)).map((one) => one.id);
          assert.deepEqual((network?.byAddress.get(address) ?? []).map((one) => one.id).toSorted(), want.toSorted());
        }
        if (there.length === 0) assert.equal(network, undefined);
      }
    }),
    { numRuns: 1000 },
  );
});
