import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Ipv6Address } from "../../../../src/address/ip.ts";
import { parseMac } from "../../../../src/address/mac.ts";
import {
  decodeNeighbourMessage,
  encodeNeighbourMessage,
  type NeighbourMessage,
  neighbourAnnouncement,
  neighbourClaim,
  neighbourProbe,
} from "../../../../src/kernel/packet/neighbour-discovery.ts";
import { addressOfFamily } from "../../address/arbitraries.ts";
import { anyMac } from "./arbitraries.ts";

const ip = (text: string): Ipv6Address => text as Ipv6Address;
const anyIp = addressOfFamily(6) as fc.Arbitrary<Ipv6Address>; // of that family
const mine = parseMac("02:42:0a:01:00:07");
const other = parseMac("02:42:0a:01:00:99");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("an announcement is an unsolicited advertisement to all nodes that overrides (RFC 4861 §7.2.6)", () => {
  assert.equal(
    hex(neighbourAnnouncement(mine, ip("fd00:1::7"))),
    "33330000000102420a01000786dd" +
      "6000000000203aff" +
      "fd000001000000000000000000000007" +
      "ff020000000000000000000000000001" +
      "8800504420000000" +
      "fd000001000000000000000000000007" +
      "020102420a010007",
  );
});

test("a probe asks those with an address like it, from no address (RFC 4862 §5.4.2)", () => {
  assert.equal(
    hex(neighbourProbe(mine, ip("fd00:1::12:3456"))),
    "3333ff12345602420a01000786dd" +
      "6000000000183aff" +
      "00000000000000000000000000000000" +
      "ff0200000000000000000001ff123456" +
      "870014d600000000" +
      "fd000001000000000000000000123456",
  );
});

const anyMessage: fc.Arbitrary<NeighbourMessage> = fc.record(
  {
    type: fc.constantFrom("solicitation" as const, "advertisement" as const),
    source: anyIp,
    destination: anyIp,
    target: anyIp,
    targetMac: anyMac,
  },
  { requiredKeys: ["type", "source", "destination", "target"], noNullPrototype: true },
);

test("what is written is read as the same, also with padding behind it", () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(32), (message, padding) => {
      const bytes = Buffer.concat([encodeNeighbourMessage(message), Buffer.alloc(padding)]);
      assert.deepEqual(decodeNeighbourMessage(bytes), message);
    }),
  );
});

test("a message with one wrong byte is none, wherever the checksum covers it", () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(), fc.integer({ min: 1, max: 255 }), (message, place, change) => {
      const bytes = Uint8Array.from(encodeNeighbourMessage(message));
      const covered = [
        ...Array.from({ length: 32 }, (_, at) => 8 + at),
        ...Array.from({ length: bytes.length - 40 }, (_, at) => 40 + at),
      ];
      const at = covered[place % covered.length] ?? 0;
      bytes[at] = (bytes[at] ?? 0) ^ change;
      assert.equal(decodeNeighbourMessage(bytes), undefined);
    }),
  );
});

test("any bytes are a message or none", () => {
  const head = Uint8Array.from(
    encodeNeighbourMessage({ type: "advertisement", source: ip("::"), destination: ip("::"), target: ip("::") }),
  );
  const mutated = fc
    .tuple(fc.array(fc.tuple(fc.nat(63), fc.nat(255)), { maxLength: 4 }), fc.uint8Array({ maxLength: 24 }), fc.nat(90))
    .map(([changes, tail, length]) => {
      const bytes = Uint8Array.from([...head, ...tail]);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes.subarray(0, length);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 96 }), mutated), (bytes) => {
      decodeNeighbourMessage(bytes);
      neighbourClaim(bytes, other, ip("fd00:1::7"));
    }),
    { numRuns: 5000 },
  );
});

const packet = (changes: Partial<NeighbourMessage>): Uint8Array =>
  encodeNeighbourMessage({
    type: "advertisement",
    source: ip("fe80::9"),
    destination: ip("ff02::1"),
    target: ip("fd00:1::7"),
    ...changes,
  });

for (const [what, changes, claimed] of [
  ["an advertisement that names its address", { targetMac: other }, other],
  ["an advertisement without", {}, mine],
  ["the probe of who is about to take it", { type: "solicitation", source: ip("::") }, mine],
  ["a question about it", { type: "solicitation" }, undefined],
  ["an advertisement of another", { target: ip("fd00:1::8") }, undefined],
] as const)
  test(`${what} ${claimed === undefined ? "does not claim" : "claims"} the address`, () => {
    assert.equal(neighbourClaim(packet(changes), mine, ip("fd00:1::7")), claimed);
  });
