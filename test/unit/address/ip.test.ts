import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { bytesToIp, familyOf, ipToBytes, ipToNumber, numberToIp, parseIp } from "../../../src/address/ip.ts";
import { address } from "./arbitraries.ts";

/** RFC 5952 §4 and §5, and addresses of RFC 4291 §2.2. */
const canonical: readonly (readonly [string, string])[] = [
  ["2001:0db8::0001", "2001:db8::1"],
  ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:DB8::ABCD", "2001:db8::abcd"],
  ["0:0:0:0:0:0:0:0", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["1:0:0:0:0:0:0:0", "1::"],
  ["fe80:0:0:0:0:0:0:1", "fe80::1"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["0.0.0.0", "0.0.0.0"],
  ["255.255.255.255", "255.255.255.255"],
];

for (const [text, want] of canonical) {
  test(`${text} is written ${want}`, () => assert.equal(parseIp(text), want));
}

const malformed = [
  "",
  " 10.0.0.1",
  "10.0.0.1 ",
  "10.0.0.1\n",
  "10.0.0",
  "10.1",
  "1",
  "010.0.0.1",
  "0x0a.0.0.1",
  "10.0.0.256",
  "10.0.0.-1",
  "10.0.0.1.1",
  "10.0.0.1/24",
  "١٠.0.0.1",
  ":",
  ":::",
  "1::2::3",
  "12345::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "fe80::1%eth0",
  "::1%",
  "[::1]",
  "::ffff:10.0.0.256",
  "g::",
  "localhost",
];

for (const text of malformed) {
  test(`${JSON.stringify(text)} is refused as an address`, () => {
    assert.throws(() => parseIp(text), { code: "invalid-argument" });
  });
}

test("an address comes back from its text, bytes and number", () => {
  fc.assert(
    fc.property(address, (value) => {
      assert.equal(parseIp(value), value);
      assert.equal(bytesToIp(ipToBytes(value)), value);
      assert.equal(numberToIp(ipToNumber(value), familyOf(value)), value);
    }),
  );
});

test("text, bytes and family are those of ipaddr.js", () => {
  fc.assert(
    fc.property(address, (value) => {
      const other = ipaddr.parse(value);
      assert.deepEqual([...ipToBytes(value)], other.toByteArray());
      assert.equal(familyOf(value), other.kind() === "ipv4" ? 4 : 6);
      assert.equal(value, other instanceof ipaddr.IPv6 ? other.toRFC5952String() : other.toString());
    }),
  );
});

test("every way to write an IPv6 address is read as the same one", () => {
  const word = fc.oneof(fc.constant(0), fc.nat(0xffff));
  fc.assert(
    fc.property(fc.array(word, { minLength: 8, maxLength: 8 }), (words) => {
      const plain = words.map((value) => value.toString(16)).join(":");
      const padded = words.map((value) => value.toString(16).padStart(4, "0").toUpperCase()).join(":");
      const [high = 0, low = 0] = words.slice(6);
      const quad = [high >> 8, high & 255, low >> 8, low & 255].join(".");
      const mixed = `${words
        .slice(0, 6)
        .map((value) => value.toString(16))
        .join(":")}:${quad}`;
      assert.deepEqual([parseIp(padded), parseIp(mixed)], [parseIp(plain), parseIp(plain)]);
    }),
  );
});

test("addresses are in the order of their numbers", () => {
  fc.assert(
    fc.property(address, address, (a, b) => {
      fc.pre(familyOf(a) === familyOf(b));
      const order = Buffer.compare(ipToBytes(a), ipToBytes(b));
      assert.equal(ipToNumber(a) < ipToNumber(b), order < 0);
      assert.equal(a === b, order === 0);
    }),
  );
});

test("bytes that are no address are refused", () => {
  for (const length of [0, 3, 5, 15, 17]) assert.throws(() => bytesToIp(new Uint8Array(length)), { code: "internal" });
});

test("any text is read or refused, never anything else", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (text) => {
      try {
        assert.equal(parseIp(parseIp(text)), parseIp(text));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "invalid-argument"); // whatever was thrown is asked for its code
      }
    }),
  );
});

test("a text is an address where Node.js takes it for one", () => {
  const group = fc.oneof(
    fc.stringMatching(/^[0-9a-fA-F]{1,5}$/),
    fc.constantFrom("", "0", "127.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.256", "0x1.2.3.4"),
  );
  const grouped = fc.array(group, { maxLength: 10 }).map((groups) => groups.join(":"));
  const strewn = fc.string({ unit: fc.constantFrom(..."01fF:.%gx"), maxLength: 20 });
  fc.assert(
    fc.property(fc.oneof(grouped, strewn, fc.ipV6()), (text) => {
      let taken = true;
      try {
        parseIp(text);
      } catch {
        taken = false;
      }
      assert.equal(taken, isIP(text) !== 0 && !text.includes("%"), text);
    }),
    { numRuns: 5000 },
  );
});
