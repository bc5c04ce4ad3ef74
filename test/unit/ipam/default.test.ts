import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contains, lengthOf, overlaps, parseSubnet, rangeOf, type Subnet } from "../../../src/address/cidr.ts";
import { type Family, type IpAddress, ipToNumber, parseIp } from "../../../src/address/ip.ts";
import { isPortolanError } from "../../../src/errors.ts";
import { createDefaultIpam } from "../../../src/ipam/default/index.ts";
import type { IpamDriver, Pool, PoolRequest } from "../../../src/ipam/ipam.ts";

const globalId = Uint8Array.of(1, 2, 3, 4, 5);
const make = (): IpamDriver => createDefaultIpam({ globalId });
const subnet = parseSubnet;

async function pool(driver: IpamDriver, request: Partial<PoolRequest> = {}): Promise<Pool> {
  const given = await driver.requestPool({ family: 4, options: {}, taken: [], ...request });
  assert.ok(given !== undefined);
  return given;
}

const address = (driver: IpamDriver, of: Pool, wanted?: string, purpose: "gateway" | "endpoint" = "endpoint") =>
  driver.requestAddress(of.id, {
    purpose,
    options: {},
    ...(wanted !== undefined && { address: parseIp(wanted) }),
  });

/** All addresses that a pool gives until it has none. */
async function drain(driver: IpamDriver, of: Pool): Promise<readonly IpAddress[]> {
  const all: IpAddress[] = [];
  for (;;) {
    try {
      all.push(await address(driver, of));
    } catch (error) {
      assert.ok(isPortolanError(error, "pool-exhausted"), String(error));
      return all;
    }
  }
}

const usable: readonly (readonly [string, readonly string[]])[] = [
  ["10.1.0.0/30", ["10.1.0.1", "10.1.0.2"]],
  ["10.1.0.0/31", ["10.1.0.0", "10.1.0.1"]],
  ["10.1.0.7/32", ["10.1.0.7"]],
  ["fd00::/126", ["fd00::1", "fd00::2", "fd00::3"]],
  ["fd00::2/127", ["fd00::2", "fd00::3"]],
  ["fd00::9/128", ["fd00::9"]],
];

for (const [text, want] of usable) {
  test(`the addresses of ${text} are ${want.join(", ")}`, async () => {
    const driver = make();
    const of = await pool(driver, { subnet: subnet(text) });
    assert.deepEqual(await drain(driver, of), want);
  });
}

test("an ip-range limits what is chosen, not what is asked for", async () => {
  const driver = make();
  const of = await pool(driver, { subnet: subnet("10.1.0.0/24"), ipRange: subnet("10.1.0.128/30") });
  assert.equal(await address(driver, of, "10.1.0.5"), "10.1.0.5");
  assert.deepEqual(await drain(driver, of), ["10.1.0.128", "10.1.0.129", "10.1.0.130", "10.1.0.131"]);
  const atEnd = await pool(driver, { subnet: subnet("10.2.0.0/24"), ipRange: subnet("10.2.0.252/30") });
  assert.deepEqual(await drain(driver, atEnd), ["10.2.0.252", "10.2.0.253", "10.2.0.254"]);
});

for (const [what, request] of [
  ["outside the subnet", { subnet: subnet("10.1.0.0/24"), ipRange: subnet("10.2.0.0/25") }],
  ["larger than the subnet", { subnet: subnet("10.1.0.0/24"), ipRange: subnet("10.1.0.0/16") }],
  ["of the other family", { subnet: subnet("10.1.0.0/24"), ipRange: subnet("fd00::/64") }],
  ["without a subnet", { ipRange: subnet("10.1.0.0/24") }],
] as const) {
  test(`an ip-range ${what} is refused, and no pool is held`, async () => {
    const driver = make();
    await assert.rejects(pool(driver, request), { code: "invalid-argument" });
    await pool(driver, { subnet: subnet("10.1.0.0/24") });
  });
}

for (const text of [
  "224.0.0.0/24",
  "127.1.0.0/16",
  "0.0.0.0/8",
  "0.0.0.0/0",
  "ff02::/64",
  "fe80::/64",
  "::/0",
  "::1/128",
]) {
  test(`${text} is refused as a pool`, async () => {
    await assert.rejects(pool(make(), { subnet: subnet(text) }), { code: "invalid-argument" });
  });
}

test("who is in the way is named: another pool, or what the host uses", async () => {
  const driver = make();
  await pool(driver, { subnet: subnet("10.1.0.0/16") });
  await assert.rejects(pool(driver, { subnet: subnet("10.1.2.0/24") }), {
    code: "pool-overlap",
    object: "subnet 10.1.2.0/24",
    reason: "pool 10.1.0.0/16 is in the way",
  });
  const taken = [{ subnet: subnet("10.2.0.0/24"), what: "route 10.2.0.0/24 by eth0" }];
  await assert.rejects(pool(driver, { subnet: subnet("10.0.0.0/8"), taken: [] }), { code: "pool-overlap" });
  await assert.rejects(pool(driver, { subnet: subnet("10.2.0.0/16"), taken }), {
    code: "pool-overlap",
    reason: "route 10.2.0.0/24 by eth0 is in the way",
  });
});

test("an address outside, at an end, or given already is refused with the reason", async () => {
  const driver = make();
  const of = await pool(driver, { subnet: subnet("10.1.0.0/24") });
  for (const wanted of ["10.1.1.1", "10.1.0.0", "10.1.0.255", "fd00::1"])
    await assert.rejects(address(driver, of, wanted), { code: "address-outside" });
  await address(driver, of, "10.1.0.9", "gateway");
  await assert.rejects(address(driver, of, "10.1.0.9"), { code: "address-in-use" });
  const six = await pool(driver, { subnet: subnet("fd00:1::/64") });
  await assert.rejects(address(driver, six, "fd00:1::"), { code: "address-outside" });
  assert.equal(await address(driver, six, "fd00:1::ffff"), "fd00:1::ffff");
});

test("what was asked for by name is not chosen", async () => {
  const driver = make();
  const of = await pool(driver, { subnet: subnet("10.1.0.0/29") });
  await address(driver, of, "10.1.0.1", "gateway");
  await address(driver, of, "10.1.0.3");
  assert.deepEqual(await drain(driver, of), ["10.1.0.2", "10.1.0.4", "10.1.0.5", "10.1.0.6"]);
});

test("a pool that is given back takes its addresses with it, and one that is not there gives none", async () => {
  const driver = make();
  const of = await pool(driver, { subnet: subnet("10.1.0.0/24") });
  await address(driver, of, "10.1.0.1");
  await driver.releasePool(of.id);
  await driver.releasePool(of.id);
  await driver.releaseAddress(of.id, parseIp("10.1.0.1"));
  await assert.rejects(address(driver, of), { code: "not-found" });
  const again = await pool(driver, { subnet: subnet("10.1.0.0/24") });
  assert.equal(await address(driver, again, "10.1.0.1"), "10.1.0.1");
});

test("chosen pools are private /24s, and /64s of the host's own unique local prefix", async () => {
  const driver = make();
  const four = await pool(driver);
  assert.ok(contains(subnet("10.0.0.0/8"), parseIp(four.subnet.split("/")[0] ?? "")) && lengthOf(four.subnet) === 24);
  const six = await pool(driver, { family: 6 });
  assert.ok(overlaps(subnet("fd01:203:405::/48"), six.subnet) && lengthOf(six.subnet) === 64);
});

test("a pool that was given back is not the next one chosen", async () => {
  const driver = make();
  const first = await pool(driver);
  await driver.releasePool(first.id);
  assert.notEqual((await pool(driver)).subnet, first.subnet);
});

test("the last subnet that is free is found, and behind it none", async () => {
  const driver = make();
  const taken = [
    "10.0.0.0/8",
    "192.168.0.0/16",
    "172.16.0.0/13",
    "172.24.0.0/14",
    "172.28.0.0/15",
    "172.31.0.0/16",
    "172.30.0.0/17",
  ]
    .concat(Array.from({ length: 127 }, (_, i) => `172.30.${128 + i}.0/24`))
    .map((text) => ({ subnet: subnet(text), what: text }));
  assert.equal((await pool(driver, { taken })).subnet, "172.30.255.0/24");
  await assert.rejects(pool(driver, { taken }), { code: "pool-exhausted" });
});

test("a restart gives nothing twice, and goes on behind what was given", async () => {
  const driver = make();
  const of = await pool(driver, { subnet: subnet("10.1.0.0/29"), ipRange: subnet("10.1.0.0/29") });
  const given = [await address(driver, of), await address(driver, of), await address(driver, of)];
  const kept = given.slice(1);
  const after = make();
  after.restore([{ pool: of, addresses: kept }]);
  await assert.rejects(pool(after, { subnet: subnet("10.1.0.0/24") }), { code: "pool-overlap" });
  assert.deepEqual(await drain(after, of), ["10.1.0.4", "10.1.0.5", "10.1.0.6", "10.1.0.1"]);
});

/** A naive model: which pools there are, and which addresses of each are out. */
type Books = Map<string, { readonly pool: Pool; readonly out: Set<IpAddress> }>;

type Step =
  | { readonly do: "pool"; readonly family: Family; readonly wanted: Subnet | undefined }
  | { readonly do: "release pool" | "address" | "restart"; readonly pick: number }
  | { readonly do: "named" | "release"; readonly pick: number; readonly which: number };

const small = fc.constantFrom("10.1.0.0/30", "10.1.0.0/28", "10.1.0.8/29", "10.1.0.0/31", "10.200.0.0/29").map(subnet);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("pool" as const),
    family: fc.constantFrom<Family>(4, 6),
    wanted: fc.option(small, { nil: undefined }),
  }),
  fc.record({ do: fc.constantFrom("release pool" as const, "restart" as const), pick: fc.nat(9) }),
  { arbitrary: fc.record({ do: fc.constant("address" as const), pick: fc.nat(9) }), weight: 5 },
  {
    arbitrary: fc.record({
      do: fc.constantFrom("named" as const, "release" as const),
      pick: fc.nat(9),
      which: fc.nat(15),
    }),
    weight: 4,
  },
);

/** What the host uses in these tests. */
const taken = [
  { subnet: subnet("10.128.0.0/16"), what: "route 10.128.0.0/16" },
  { subnet: subnet("10.200.0.0/16"), what: "address 10.200.0.1" },
  { subnet: subnet("fd01:203:405::/52"), what: "route fd01:203:405::/52" },
];

test("in any sequence pools overlap nothing, and no address is given twice or refused without need", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      let driver = make();
      const books: Books = new Map();
      for (const one of steps) {
        if (one.do === "pool") {
          await requestPool(driver, books, one.wanted === undefined ? one.family : 4, one.wanted);
          continue;
        }
        const book = [...books.values()][one.pick % Math.max(1, books.size)];
        if (book === undefined) continue;
        if (one.do === "restart") {
          driver = make();
          driver.restore([...books.values()].map(({ pool: of, out }) => ({ pool: of, addresses: [...out] })));
        } else if (one.do === "release pool") {
          await driver.releasePool(book.pool.id);
          books.delete(book.pool.id);
        } else if (one.do === "release") {
          const released = [...book.out][one.which % Math.max(1, book.out.size)];
          if (released === undefined) continue;
          await driver.releaseAddress(book.pool.id, released);
          book.out.delete(released);
        } else await requestAddress(driver, book, one.do === "named" ? one.which : undefined);
      }
    }),
    { numRuns: 200 },
  );
});

async function requestPool(driver: IpamDriver, books: Books, family: Family, wanted: Subnet | undefined) {
  const there = [...books.values()].map(({ pool: of }) => of.subnet).concat(taken.map((one) => one.subnet));
  const free = wanted === undefined || !there.some((one) => overlaps(one, wanted));
  try {
    const given = await pool(driver, { family, taken, ...(wanted !== undefined && { subnet: wanted }) });
    assert.ok(free && !there.some((one) => overlaps(one, given.subnet)), given.subnet);
    books.set(given.id, { pool: given, out: new Set() });
  } catch (error) {
    assert.ok(isPortolanError(error, "pool-overlap") && !free, String(error));
  }
}

async function requestAddress(
  driver: IpamDriver,
  { pool: of, out }: { readonly pool: Pool; readonly out: Set<IpAddress> },
  which: number | undefined,
) {
  const { first, last } = rangeOf(of.subnet);
  const size = last - first + 1n;
  const count = size <= 2n ? size : of.subnet.includes(":") ? size - 1n : size - 2n;
  const low = size <= 2n ? first : first + 1n;
  const wanted = which === undefined ? undefined : numberIn(of.subnet, low + (BigInt(which) % count));
  try {
    const given = await address(driver, of, wanted);
    assert.ok(contains(of.subnet, given) && !out.has(given), given);
    const value = ipToNumber(given);
    assert.ok(value >= low && value < low + count, given);
    out.add(given);
  } catch (error) {
    if (wanted === undefined) assert.ok(isPortolanError(error, "pool-exhausted") && BigInt(out.size) === count);
    else assert.ok(isPortolanError(error, "address-in-use") && out.has(parseIp(wanted)));
  }
}

function numberIn(of: Subnet, value: bigint): string {
  const [base = ""] = of.split("/");
  const start = ipToNumber(parseIp(base));
  // The pools of these tests are small, or have zeros behind their prefix.
  return of.includes(":")
    ? `${base}${(value - start).toString(16)}`
    : base.replace(/\d+$/, String(Number(value & 255n)));
}
