/** Replies from the records, decoded by another codec. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DecodedPacket, decode, encode, type Packet, type RecordType } from "dns-packet";
import fc from "fast-check";
import { ipToBytes, parseIp } from "../../../src/address/ip.ts";
import { Answers } from "../../../src/naming/answers.ts";
import type { View } from "../../../src/naming/lookup.ts";
import { QueryLog } from "../../../src/naming/query-log.ts";
import { Records } from "../../../src/naming/records.ts";
import { Responder, silence, toForward } from "../../../src/naming/responder.ts";
import { name } from "./arbitraries.ts";

const room = 4096;
const at = 64;

/** A sandbox in network n1, in which `names` have these addresses. */
function sandboxWith(names: Readonly<Record<string, readonly string[]>>) {
  const records = new Records();
  for (const [id, addresses] of Object.entries(names)) {
    const packed = addresses.map((address) => Buffer.from(ipToBytes(parseIp(address))).toString("latin1"));
    records.set({ id, networkId: "n1", networkName: "front", names: [id], addresses: packed });
  }
  const answers = new Answers(records);
  const responder = new Responder(answers);
  const view: View = { salt: 1, networks: ["n1"], links: new Map(), extraHosts: new Map() };
  const log = new QueryLog();
  const place = Buffer.alloc(at + 70_000);
  function respond(packet: Uint8Array, transport: "udp" | "tcp" = "udp"): number {
    place.set(packet, at);
    return responder.respond({ view, log }, transport, place, at, packet.length, transport === "tcp" ? 65535 : room);
  }
  function ask(asked: string, type: RecordType, more: Packet = {}, transport: "udp" | "tcp" = "udp"): DecodedPacket {
    const query = encode({
      type: "query",
      id: 4711,
      flags: 0x0110,
      questions: [{ name: asked, type, class: "IN" }],
      ...more,
    });
    const size = respond(query, transport);
    assert.ok(size > 0, `no reply: ${size}`);
    return decode(place.subarray(at, at + size));
  }
  return { records, answers, log, respond, ask };
}

const dataOf = ({ answers = [] }: DecodedPacket): readonly string[] =>
  answers.map((record) => ("data" in record ? String(record.data) : record.type));

const opt = (udpPayloadSize: number, ednsVersion = 0): Packet => ({
  additionals: [
    {
      type: "OPT",
      name: ".",
      udpPayloadSize,
      extendedRcode: 0,
      ednsVersion,
      flags: 0x8000,
      flag_do: true,
      options: [],
    },
  ],
});

const many = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);

test("a reply keeps id, flags and the question's letters, and has libnetwork's lifetime", () => {
  const { ask } = sandboxWith({ web: ["10.0.0.2"] });
  const reply = ask("WeB.FRont", "A");
  assert.equal(reply.id, 4711);
  assert.deepEqual(reply.questions, [{ name: "WeB.FRont", type: "A", class: "IN" }]);
  assert.deepEqual(reply.answers, [
    { name: "WeB.FRont", type: "A", ttl: 600, class: "IN", flush: false, data: "10.0.0.2" },
  ]);
  // Recursion desired and available, checking disabled as asked; not authoritative, not truncated.
  assert.equal(reply.flags, 0x0190);
  assert.deepEqual(reply.additionals, []);
});

test("any name that is recorded is answered, in whatever letters", () => {
  fc.assert(
    fc.property(name, fc.ipV4(), fc.ipV6(), (asked, ipv4, ipv6) => {
      const { ask } = sandboxWith({ [asked]: [ipv4, ipv6] });
      assert.deepEqual(dataOf(ask(asked.toUpperCase(), "A")), [ipv4]);
      assert.deepEqual(
        dataOf(ask(asked.toLowerCase(), "AAAA")).map((text) => parseIp(text)),
        [parseIp(ipv6)],
      );
    }),
    { numRuns: 500 },
  );
});

test("several addresses take turns at being the first, and each reply has all of them", () => {
  const addresses = many(7);
  const { ask } = sandboxWith({ web: addresses });
  const replies = Array.from({ length: 14 }, () => dataOf(ask("web", "A")));
  for (const reply of replies) assert.deepEqual(reply.toSorted(), addresses.toSorted());
  assert.deepEqual([...new Set(replies.map(([first]) => first))].toSorted(), addresses.toSorted());
});

test("what does not fit is cut at a record, and said to be", () => {
  const { ask } = sandboxWith({ web: many(300) });
  const plain = ask("web", "A");
  assert.equal(plain.flag_tc, true);
  // (512 - 12 - 9) / 16
  assert.equal(plain.answers?.length, 30);
  assert.equal(ask("web", "A", opt(1232)).answers?.length, 75);
  // A size below 512 means 512 (RFC 6891 §6.2.3).
  assert.equal(ask("web", "A", opt(100)).answers?.length, 30);
  assert.equal(ask("web", "A", opt(65535)).answers?.length, 254);
  const whole = ask("web", "A", {}, "tcp");
  assert.equal(whole.flag_tc, false);
  assert.equal(whole.answers?.length, 300);
});

test("an OPT record is answered by one, and no other is", () => {
  const { ask } = sandboxWith({ web: ["10.0.0.2"] });
  const [record] = ask("web", "A", opt(1232)).additionals ?? [];
  assert.equal(record?.type, "OPT");
  assert.equal(record?.type === "OPT" && record.udpPayloadSize, 4096);
  assert.equal(record?.type === "OPT" && record.flag_do, true);
  assert.equal(ask("web", "MX", opt(1232)).additionals?.length, 1);
});

test("an EDNS version that nobody speaks is answered BADVERS", () => {
  const { ask } = sandboxWith({ web: ["10.0.0.2"] });
  const reply = ask("web", "A", opt(1232, 1));
  const [record] = reply.additionals ?? [];
  assert.equal(reply.answers?.length, 0);
  assert.equal(record?.type === "OPT" && record.extendedRcode, 1);
});

test("a changed record is answered at once", () => {
  const { ask, records, answers } = sandboxWith({ web: ["10.0.0.2"] });
  assert.deepEqual(dataOf(ask("web", "A")), ["10.0.0.2"]);
  records.set({ id: "web", networkId: "n1", networkName: "front", names: ["web"], addresses: ["\x0a\x00\x00\x03"] });
  answers.flush();
  assert.deepEqual(dataOf(ask("web", "A")), ["10.0.0.3"]);
});

test("a question with the hash of another one is not answered like it", () => {
  const { respond, ask } = sandboxWith({ web: ["10.0.0.2"] });
  ask("web", "A");
  // Names are made until one has the hash of web's question in 16 bits; the responder compares all bits, and then the bytes.
  for (let i = 0; i < 70_000; i++) {
    const query = encode({ type: "query", questions: [{ name: `x${i}`, type: "A", class: "IN" }] });
    assert.equal(respond(query), toForward);
  }
});

test("what is no query gets no reply, and a bad one a bare header", () => {
  const { respond, log } = sandboxWith({ web: ["10.0.0.2"] });
  const query = encode({ type: "query", questions: [{ name: "web", type: "A", class: "IN" }] });
  const response = Buffer.from(query);
  response.writeUInt8(0x81, 2);
  assert.equal(respond(response), silence);
  assert.equal(respond(query.subarray(0, 11)), silence);
  assert.equal(respond(query.subarray(0, 15)), 12);
  assert.deepEqual(log.counters, { queries: 0, known: 0, forwarded: 0, failed: 0, malformed: 3, refused: 0 });
});

test("a class other than the internet's is not ours to answer", () => {
  const { respond } = sandboxWith({ web: ["10.0.0.2"] });
  assert.equal(respond(encode({ type: "query", questions: [{ name: "web", type: "A", class: "CH" }] })), toForward);
});
