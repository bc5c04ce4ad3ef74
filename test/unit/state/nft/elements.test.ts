import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../../src/errors.ts";
import { decodeElement, encodeElement, nftElement } from "../../../../src/state/nft/elements.ts";
import { decodeSetForm, encodeSetForm } from "../../../../src/state/nft/sets.ts";
import type { NftKeyPart, NftSet } from "../../../../src/state/objects.ts";
import { sets } from "./rule-cases.ts";

interface Spelling {
  readonly set: NftSet;
  readonly given: readonly NftKeyPart[];
  readonly key: readonly NftKeyPart[];
}

const spellings: Readonly<Record<string, Spelling>> = {
  "a prefix of full length is an address": {
    set: sets.subnets4,
    given: [{ prefix: "192.0.2.1/32" }],
    key: ["192.0.2.1"],
  },
  "host bits of a prefix are cleared": {
    set: sets.subnets4,
    given: [{ prefix: "10.1.2.3/8" }],
    key: [{ prefix: "10.0.0.0/8" }],
  },
  "a range that is a prefix is a prefix": {
    set: sets.subnets6,
    given: [{ from: "fd00::", to: "fd00::ffff" }],
    key: [{ prefix: "fd00::/112" }],
  },
  "a range that is no prefix stays a range": {
    set: sets.subnets4,
    given: [{ from: "10.0.0.1", to: "10.0.0.2" }],
    key: [{ from: "10.0.0.1", to: "10.0.0.2" }],
  },
  "a range of one value is that value": {
    set: sets.ports,
    given: [{ from: "80", to: "80" }],
    key: ["80"],
  },
  "everything is a prefix, too": {
    set: sets.subnets4,
    given: [{ from: "0.0.0.0", to: "255.255.255.255" }],
    key: [{ prefix: "0.0.0.0/0" }],
  },
  "addresses take their shortest form": {
    set: sets.subnets6,
    given: ["FD00:0:0::1"],
    key: ["fd00::1"],
  },
  "protocols go by name": { set: sets.protocols, given: ["17"], key: ["udp"] },
  "marks are hexadecimal": { set: sets.marks, given: ["16"], key: ["0x10"] },
  "parts of a concatenation stand for themselves": {
    set: sets.ranges4,
    given: [{ prefix: "10.0.0.0/8" }, "6", { from: "80", to: "90" }],
    key: [{ prefix: "10.0.0.0/8" }, "tcp", { from: "80", to: "90" }],
  },
};
for (const [name, { set, given, key }] of Object.entries(spellings)) {
  test(`equal elements are equal text: ${name}`, () => {
    const data = set.data && ["192.0.2.7", "80"].slice(0, set.data.length);
    assert.deepEqual(nftElement(set, given, data).key, key);
  });
}

const mistakes: Readonly<Record<string, () => unknown>> = {
  "too few parts": () => nftElement(sets.pairs, ["br0"]),
  "no value for a map": () => nftElement(sets.verdicts, ["br0"]),
  "a value for a set": () => nftElement(sets.links, ["br0"], ["drop"]),
  "a verdict that there is not": () => nftElement(sets.verdicts, ["br0"], ["maybe"]),
  "a range in a set without intervals": () => nftElement(sets.protocols, [{ from: "1", to: "2" }]),
  "a range that runs backwards": () => nftElement(sets.subnets4, [{ from: "10.0.0.2", to: "10.0.0.1" }]),
  "a port that there is not": () => nftElement(sets.ports, ["65536"], ["10.0.0.1"]),
  "a port that is no number": () => nftElement(sets.ports, ["http"], ["10.0.0.1"]),
  "an address of the other family": () => nftElement(sets.subnets4, ["fd00::1"]),
  "a link name with an asterisk": () => nftElement(sets.links, ["br*"]),
};
for (const [mistake, make] of Object.entries(mistakes)) {
  test(`refused: ${mistake}`, () => {
    assert.throws(make, (error) => isPortolanError(error, "invalid-argument"));
  });
}

test("a set of ranges of marks is refused, because marks are not in network byte order", () => {
  const set: NftSet = { ...sets.marks, interval: true };
  assert.throws(
    () => encodeSetForm(set),
    (error) => isPortolanError(error, "invalid-argument"),
  );
});

test("sets are read back as they were described", () => {
  for (const set of Object.values(sets)) assert.deepEqual(decodeSetForm("host", encodeSetForm(set)), set);
});

test("a set of somebody else's types is passed over", () => {
  const form = encodeSetForm(sets.links);
  assert.equal(decodeSetForm("host", { ...form, key: { number: 26, length: 4 } }), undefined);
});

const octet = fc.nat({ max: 255 });
const address = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));
const port = fc.nat({ max: 65535 });
const portPart = fc
  .tuple(port, port)
  .map(([a, b]): NftKeyPart => (a === b ? String(a) : { from: String(Math.min(a, b)), to: String(Math.max(a, b)) }));
const addressPart = fc.oneof(
  address,
  fc.tuple(address, fc.nat({ max: 32 })).map(([base, bits]) => ({ prefix: `${base}/${bits}` })),
);

test("an element's text and bytes turn into each other", () => {
  const key = fc.tuple(addressPart, fc.constantFrom("tcp", "udp", "47"), portPart);
  fc.assert(
    fc.property(key, address, port, (parts, target, targetPort) => {
      const element = nftElement(sets.ranges4, parts, [target, String(targetPort)]);
      assert.deepEqual(decodeElement(sets.ranges4, encodeElement(element)), element);
      assert.deepEqual(encodeElement(element), encodeElement({ ...element, key: parts }));
    }),
  );
});

test("an element whose bytes do not fit its set is refused with the typed error", () => {
  assert.throws(
    () => decodeElement(sets.links, { key: "00" }),
    (error) => isPortolanError(error, "kernel"),
  );
});
