import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Ipv4Address } from "../../../../src/address/ip.ts";
import { parseMac } from "../../../../src/address/mac.ts";
import {
  type ArpPacket,
  arpAnnouncement,
  arpClaim,
  arpProbe,
  decodeArp,
  encodeArp,
} from "../../../../src/kernel/packet/arp.ts";
import { decodeEthernet, encodeEthernet, etherType } from "../../../../src/kernel/packet/ethernet.ts";
import { addressOfFamily } from "../../address/arbitraries.ts";
import { anyMac } from "./arbitraries.ts";

const ip = (text: string): Ipv4Address => text as Ipv4Address;
const anyIp = addressOfFamily(4) as fc.Arbitrary<Ipv4Address>; // of that family
const mine = parseMac("02:42:0a:01:00:07");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("an announcement is a request for one's own address to everybody (RFC 5227 §2.3)", () => {
  assert.equal(
    hex(arpAnnouncement(mine, ip("10.1.0.7"))),
    "ffffffffffff02420a0100070806" + "0001080006040001" + "02420a0100070a010007" + "0000000000000a010007",
  );
});

test("a probe says nothing of who asks (RFC 5227 §2.1.1)", () => {
  assert.equal(
    hex(arpProbe(mine, ip("10.1.0.7"))),
    "ffffffffffff02420a0100070806" + "0001080006040001" + "02420a01000700000000" + "0000000000000a010007",
  );
});

const anyPacket: fc.Arbitrary<ArpPacket> = fc.record(
  {
    operation: fc.constantFrom("request", "reply"),
    senderMac: anyMac,
    senderIp: anyIp,
    targetMac: anyMac,
    targetIp: anyIp,
  },
  { noNullPrototype: true },
);

test("what is written is read as the same, also with padding behind it", () => {
  fc.assert(
    fc.property(anyPacket, fc.nat(32), (packet, padding) => {
      assert.deepEqual(decodeArp(Buffer.concat([encodeArp(packet), Buffer.alloc(padding)])), packet);
    }),
  );
});

test("any bytes are a packet or none, in a frame or not", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated(anyPacket)), (bytes) => {
      const packet = decodeArp(bytes);
      if (packet !== undefined) assert.deepEqual(encodeArp(packet), Buffer.from(bytes.subarray(0, 28)));
      arpClaim(bytes, ip("10.1.0.7"));
      const frame = decodeEthernet(bytes);
      if (frame !== undefined) assert.deepEqual(encodeEthernet(frame), Buffer.from(bytes));
    }),
    { numRuns: 2000 },
  );
});

/** Bytes of packets in which some are changed. */
function mutated(packets: fc.Arbitrary<ArpPacket>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(packets, fc.array(fc.tuple(fc.nat(27), fc.nat(255)), { maxLength: 3 }), fc.nat(28))
    .map(([packet, changes, length]) => {
      const bytes = Uint8Array.from(encodeArp(packet));
      for (const [at, value] of changes) bytes[at] = value;
      return bytes.subarray(0, length);
    });
}

const other = parseMac("02:42:0a:01:00:99");
const packet = (changes: Partial<ArpPacket>): Uint8Array =>
  encodeArp({
    operation: "reply",
    senderMac: other,
    senderIp: ip("10.1.0.9"),
    targetMac: mine,
    targetIp: ip("10.1.0.1"),
    ...changes,
  });

for (const [what, changes, claimed] of [
  ["an answer by who has it", { senderIp: ip("10.1.0.7") }, true],
  ["a request by who has it", { operation: "request", senderIp: ip("10.1.0.7") }, true],
  [
    "a probe by who is about to take it",
    { operation: "request", senderIp: ip("0.0.0.0"), targetIp: ip("10.1.0.7") },
    true,
  ],
  ["a question about it", { operation: "request", targetIp: ip("10.1.0.7") }, false],
  ["an answer about another", {}, false],
] as const)
  test(`${what} ${claimed ? "claims" : "does not claim"} the address`, () => {
    assert.equal(arpClaim(packet(changes), ip("10.1.0.7")), claimed ? other : undefined);
  });

test("a frame is two addresses, a type and the rest", () => {
  const frame = decodeEthernet(arpAnnouncement(mine, ip("10.1.0.7")));
  assert.deepEqual([frame?.source, frame?.destination, frame?.type], [mine, "ff:ff:ff:ff:ff:ff", etherType.arp]);
  assert.equal(decodeEthernet(new Uint8Array(13)), undefined);
});
