import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressOf, cidrFamily } from "../../../src/address/cidr.ts";
import { type IpAddress, ipToNumber, numberToIp, parseIp } from "../../../src/address/ip.ts";
import { isPortolanError } from "../../../src/errors.ts";
import {
  askedFor,
  nextFree,
  parseRange,
  parseRangeSets,
  type RangeSet,
  type RangeSpec,
} from "../../../src/ipam/ranges/index.ts";

/** A small range, the number-th of subnets that are apart. */
const spec = (six: boolean, number: number): fc.Arbitrary<RangeSpec> => {
  const base = six ? `fd00:${number + 1}::` : `10.${number}.0.`;
  const subnet = six ? `${base}/124` : `${base}0/28`;
  const host = (at: number): string => (six ? `${base}${at.toString(16)}` : `${base}${at}`);
  const inside = fc.integer({ min: 1, max: 14 });
  return fc.record({ ends: fc.tuple(inside, inside), gateway: fc.option(inside, { nil: undefined }) }).map(
    ({ ends, gateway }): RangeSpec => ({
      subnet,
      rangeStart: host(Math.min(...ends)),
      rangeEnd: host(Math.max(...ends)),
      ...(gateway !== undefined && { gateway: host(gateway) }),
    }),
  );
};

const set: fc.Arbitrary<RangeSet> = fc
  .tuple(fc.boolean(), fc.integer({ min: 1, max: 3 }))
  .chain(([six, count]) => fc.tuple(...Array.from({ length: count }, (_, at) => spec(six, at))))
  .map((specs) => parseRangeSets([specs])[0] ?? []);

/** Every address of a set that may be given, in order: the naive way. */
const all = (of: RangeSet): readonly IpAddress[] =>
  of.flatMap(({ first, last, gateway, subnet }) =>
    Array.from({ length: Number(last - first) + 1 }, (_, at) =>
      numberToIp(first + BigInt(at), cidrFamily(subnet)),
    ).filter((address) => address !== gateway),
  );

test("the next free address is the first behind the last one, round and round, as a list says", () => {
  const scene = set.chain((of) => {
    const addresses = all(of);
    const [head] = of;
    const strange = fc.constantFrom(parseIp("192.0.2.1"), parseIp("2001:db8::1"), head?.gateway ?? parseIp("::1"));
    const some =
      addresses.length === 0 ? strange : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...addresses) }, strange);
    return fc.record({
      of: fc.constant(of),
      last: fc.option(some, { nil: undefined }),
      taken: fc.subarray([...addresses]).map((list) => new Set(list)),
    });
  });
  fc.assert(
    fc.property(scene, ({ of, last, taken }) => {
      const addresses = all(of);
      const range =
        last === undefined
          ? -1
          : of.findIndex((one) => {
              const number = ipToNumber(last);
              return (
                cidrFamily(one.subnet) === (last.includes(":") ? 6 : 4) && one.first <= number && number <= one.last
              );
            });
      // Where the last one stands, or would stand if it were one that is given.
      const behind =
        range < 0 || last === undefined
          ? 0
          : all(of.slice(0, range)).length +
            all(of.slice(range, range + 1)).filter((address) => ipToNumber(address) <= ipToNumber(last)).length;
      const turned = [...addresses.slice(behind), ...addresses.slice(0, behind)];
      const expected = turned.find((address) => !taken.has(address));
      const found = nextFree(of, last, (address) => taken.has(address));
      assert.equal(found && addressOf(found.address), expected);
      if (found === undefined) return;
      const own = of.find(({ first, last: end }) => {
        const number = ipToNumber(addressOf(found.address));
        return first <= number && number <= end;
      });
      assert.equal(found.gateway, own?.gateway);
    }),
    { numRuns: 2000 },
  );
});

test("a set gives each of its addresses once before it has none", () => {
  fc.assert(
    fc.property(set, (of) => {
      const taken = new Set<IpAddress>();
      let last: IpAddress | undefined;
      for (;;) {
        const found = nextFree(of, last, (address) => taken.has(address));
        if (found === undefined) break;
        last = addressOf(found.address);
        assert.ok(!taken.has(last));
        taken.add(last);
      }
      assert.deepEqual([...taken], all(of));
    }),
  );
});

test("an address that is asked for is given where it is one of the set and free", () => {
  fc.assert(
    fc.property(set, fc.boolean(), (of, isTaken) => {
      for (const address of all(of)) {
        const ask = () => askedFor(of, address, () => isTaken);
        if (isTaken) assert.throws(ask, (error) => isPortolanError(error, "address-in-use"));
        else assert.equal(addressOf(ask()?.address ?? assert.fail()), address);
      }
      assert.equal(
        askedFor(of, parseIp("192.0.2.1"), () => false),
        undefined,
      );
    }),
  );
});

test("the gateway is never given, asked for or not", () => {
  const [of = []] = parseRangeSets([[{ subnet: "10.1.0.0/29", gateway: "10.1.0.3" }]]);
  assert.deepEqual(all(of), ["10.1.0.1", "10.1.0.2", "10.1.0.4", "10.1.0.5", "10.1.0.6"]);
  assert.throws(
    () => askedFor(of, parseIp("10.1.0.3"), () => false),
    (error) => isPortolanError(error, "address-in-use"),
  );
});

test("without ends a range is all of its subnet but its own address and IPv4's last", () => {
  const ends = (subnet: string): readonly string[] => {
    const { first, last } = parseRange({ subnet });
    const family = subnet.includes(":") ? 6 : 4;
    return [numberToIp(first, family), numberToIp(last, family)];
  };
  assert.deepEqual(ends("10.1.0.0/24"), ["10.1.0.1", "10.1.0.254"]);
  assert.deepEqual(ends("fd00::/120"), ["fd00::1", "fd00::ff"]);
  assert.equal(parseRange({ subnet: "10.1.0.0/24" }).gateway, "10.1.0.1");
});

const refused: readonly (readonly [string, readonly (readonly RangeSpec[])[]])[] = [
  ["it has host bits", [[{ subnet: "10.1.0.1/24" }]]],
  ["it has fewer than four addresses", [[{ subnet: "10.1.0.0/31" }]]],
  ["its start 10.2.0.1 lies outside", [[{ subnet: "10.1.0.0/24", rangeStart: "10.2.0.1" }]]],
  ["its end 10.0.0.1 lies outside", [[{ subnet: "10.1.0.0/24", rangeEnd: "10.0.0.1" }]]],
  ["it ends at 10.1.0.5", [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.5" }]]],
  ["it is empty", [[]]],
  ["it shares a set with 10.1.0.0/24", [[{ subnet: "10.1.0.0/24" }, { subnet: "fd00::/64" }]]],
  ["it overlaps 10.1.0.0/24", [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.1.0.128/25" }]]],
];
for (const [why, specs] of refused) {
  test(`refused: ${why}`, () => {
    assert.throws(
      () => parseRangeSets(specs),
      (error) => isPortolanError(error, "invalid-argument") && error.message.includes(why),
    );
  });
}
