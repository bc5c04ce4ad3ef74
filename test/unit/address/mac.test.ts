import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesToMac, localMac, macToBytes, parseMac } from "../../../src/address/mac.ts";

const octets = fc.uint8Array({ minLength: 6, maxLength: 6 });
const unicast = octets
  .map((bytes) => bytes.map((byte, at) => (at === 0 ? byte & 0xfe : byte)))
  .filter((bytes) => bytes.some((byte) => byte !== 0));

test("an address comes back from its octets and its text", () => {
  fc.assert(
    fc.property(unicast, (bytes) => {
      const mac = bytesToMac(bytes);
      assert.deepEqual(macToBytes(mac), bytes);
      assert.equal(parseMac(mac), mac);
    }),
  );
});

test("capitals and dashes are read as the canonical form", () => {
  assert.equal(parseMac("02:42:AC:11:00:0F"), "02:42:ac:11:00:0f");
  assert.equal(parseMac("02-42-ac-11-00-0f"), "02:42:ac:11:00:0f");
});

const malformed = [
  "",
  "02:42:ac:11:00",
  "02:42:ac:11:00:02:03",
  "2:42:ac:11:0:2",
  "0242.ac11.0002",
  "0242ac110002",
  "02:42:ac:11:00:0g",
  " 02:42:ac:11:00:02",
  "02:42:ac:11:00:02\n",
  "00:00:00:00:00:00",
  "01:00:5e:00:00:01",
  "33:33:00:00:00:01",
  "ff:ff:ff:ff:ff:ff",
];

for (const text of malformed) {
  test(`${JSON.stringify(text)} is refused as a unicast MAC address`, () => {
    assert.throws(() => parseMac(text), { code: "invalid-argument" });
  });
}

test("a local address is unicast, locally administered, and keeps the other 46 bits", () => {
  fc.assert(
    fc.property(octets, (random) => {
      const mac = localMac(random);
      assert.equal(parseMac(mac), mac);
      const [first = 0, ...rest] = macToBytes(mac);
      assert.equal(first & 0x03, 0x02);
      assert.equal(first & 0xfc, (random[0] ?? 0) & 0xfc);
      assert.deepEqual(rest, [...random.subarray(1)]);
    }),
  );
});
