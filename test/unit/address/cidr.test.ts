import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import {
  addressOf,
  cidrFamily,
  contains,
  interfaceAddress,
  lengthOf,
  overlaps,
  parseInterfaceAddress,
  parseSubnet,
  rangeOf,
  subnetOf,
} from "../../../src/address/cidr.ts";
import { familyOf, ipToNumber, numberToIp, parseIp } from "../../../src/address/ip.ts";
import { address, inSubnet, subnet, twoSubnets } from "./arbitraries.ts";

const subnets: readonly (readonly [string, string])[] = [
  ["10.1.2.3/16", "10.1.0.0/16"],
  ["10.1.2.3/32", "10.1.2.3/32"],
  ["10.1.2.3/31", "10.1.2.2/31"],
  ["255.255.255.255/0", "0.0.0.0/0"],
  ["192.168.255.255/23", "192.168.254.0/23"],
  ["FD00:1::5/64", "fd00:1::/64"],
  ["fd00::ffff/127", "fd00::fffe/127"],
  ["2001:db8::1/0", "::/0"],
];

for (const [text, want] of subnets) {
  test(`the subnet of ${text} is ${want}`, () => assert.equal(parseSubnet(text), want));
}

test("an interface address keeps its host bits", () => {
  assert.equal(parseInterfaceAddress("10.1.2.3/16"), "10.1.2.3/16");
  assert.equal(parseInterfaceAddress("FD00::0:5/64"), "fd00::5/64");
});

const malformed = [
  "",
  "/",
  "/24",
  "10.0.0.0",
  "10.0.0.0/",
  "10.0.0.0/33",
  "10.0.0.0/-1",
  "10.0.0.0/+8",
  "10.0.0.0/08",
  "10.0.0.0/8 ",
  "10.0.0.0/8.0",
  "10.0.0.0/1e1",
  "10.0.0.0/255.0.0.0",
  "10.0.0.0/8/8",
  "10.0/8",
  "fd00::/129",
  "fd00::/1000",
  "fe80::1%eth0/64",
  "fd00::",
];

for (const text of malformed) {
  test(`${JSON.stringify(text)} is refused in CIDR notation`, () => {
    assert.throws(() => parseSubnet(text), { code: "invalid-argument" });
    assert.throws(() => parseInterfaceAddress(text), { code: "invalid-argument" });
  });
}

test("a subnet comes back from its text and its parts", () => {
  fc.assert(
    fc.property(subnet, (value) => {
      assert.equal(parseSubnet(value), value);
      assert.equal(subnetOf(addressOf(value), lengthOf(value)), value);
      assert.equal(cidrFamily(value), familyOf(addressOf(value)));
    }),
  );
});

test("an interface address comes back from its text and its parts", () => {
  fc.assert(
    fc.property(inSubnet, (value) => {
      assert.equal(parseInterfaceAddress(value), value);
      assert.equal(interfaceAddress(addressOf(value), lengthOf(value)), value);
    }),
  );
});

test("a subnet begins at the network address of ipaddr.js and ends at its broadcast address", () => {
  fc.assert(
    fc.property(inSubnet, (value) => {
      const { first, last } = rangeOf(parseSubnet(value));
      const family = cidrFamily(value);
      const of = family === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
      assert.equal(numberToIp(first, family), parseIp(of.networkAddressFromCIDR(value).toString()));
      assert.equal(numberToIp(last, family), parseIp(of.broadcastAddressFromCIDR(value).toString()));
    }),
  );
});

test("a subnet contains what ipaddr.js says matches it", () => {
  fc.assert(
    fc.property(subnet, address, fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value, other, offset) => {
      const { first, last } = rangeOf(value);
      const inside = numberToIp(first + (offset % (last - first + 1n)), cidrFamily(value));
      assert.ok(contains(value, inside));
      const [network, length] = ipaddr.parseCIDR(value);
      const candidate = ipaddr.parse(other);
      const want = candidate.kind() === network.kind() && candidate.match([network, length]);
      assert.equal(contains(value, other), want);
    }),
  );
});

test("a subnet contains its ends and not their neighbours", () => {
  fc.assert(
    fc.property(subnet, (value) => {
      const family = cidrFamily(value);
      const { first, last } = rangeOf(value);
      const highest = family === 4 ? (1n << 32n) - 1n : (1n << 128n) - 1n;
      assert.ok(contains(value, numberToIp(first, family)) && contains(value, numberToIp(last, family)));
      if (first > 0n) assert.ok(!contains(value, numberToIp(first - 1n, family)));
      if (last < highest) assert.ok(!contains(value, numberToIp(last + 1n, family)));
    }),
  );
});

test("two subnets overlap where their ranges share an address, whichever is asked", () => {
  fc.assert(
    fc.property(twoSubnets, ([a, b]) => {
      const [one, other] = [rangeOf(a), rangeOf(b)];
      const share = cidrFamily(a) === cidrFamily(b) && one.first <= other.last && other.first <= one.last;
      assert.equal(overlaps(a, b), share);
      assert.equal(overlaps(b, a), share);
      assert.ok(overlaps(a, a));
    }),
  );
});

test("overlapping subnets lie in each other: one contains both ends of the other", () => {
  fc.assert(
    fc.property(twoSubnets, ([a, b]) => {
      fc.pre(overlaps(a, b));
      const [larger, smaller] = lengthOf(a) <= lengthOf(b) ? [a, b] : [b, a];
      const { first, last } = rangeOf(smaller);
      for (const end of [first, last]) assert.ok(contains(larger, numberToIp(end, cidrFamily(smaller))));
    }),
  );
});

test("the subnet of an address contains it", () => {
  fc.assert(
    fc.property(inSubnet, (value) => {
      const of = subnetOf(addressOf(value), lengthOf(value));
      assert.ok(contains(of, addressOf(value)));
      assert.ok(rangeOf(of).first <= ipToNumber(addressOf(value)));
    }),
  );
});
