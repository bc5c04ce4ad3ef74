/** A million damaged packets by the way that every packet goes, in this process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ipToBytes } from "../../../src/address/ip.ts";
import { Answers } from "../../../src/naming/answers.ts";
import { Outlooks } from "../../../src/naming/outlook.ts";
import { QueryLog } from "../../../src/naming/query-log.ts";
import { Records } from "../../../src/naming/records.ts";
import { Responder, silence, toForward } from "../../../src/naming/responder.ts";
import { mutate, numbersFrom } from "../../support/mutations.ts";
import { endpoints, queries, responses, sandbox } from "./samples.ts";

const count = 1_000_000;
const room = 4096;
const at = 128;
const guard = 0xa5;

const pack = (addresses: readonly Parameters<typeof ipToBytes>[0][]): readonly string[] =>
  addresses.map((address) => Buffer.from(ipToBytes(address)).toString("latin1"));

test(`${count} damaged packets: no query, no answer; and no answer beyond its place`, () => {
  const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
  const random = numbersFrom(seed);
  const records = new Records();
  for (const endpoint of endpoints) records.set({ ...endpoint, addresses: pack(endpoint.addresses) });
  const responder = new Responder(new Answers(records));
  const extraHosts = Object.fromEntries(Object.entries(sandbox.extraHosts).map(([name, hosts]) => [name, pack(hosts)]));
  const { view } = new Outlooks().take({
    ...sandbox,
    id: "s1",
    namespace: "host",

    nameservers: [],
    extraHosts,
  });
  const log = new QueryLog();
  const place = Buffer.alloc(at + room + at, guard);
  const packet = Buffer.alloc(2048);
  const samples = [...queries, ...responses];
  const seen = { silent: 0, forwarded: 0, replies: 0, truncated: 0 };
  // Only the first of the samples is known to be good; the rest is what one makes of it.
  for (let i = 0; i < count; i++) {
    const length = mutate(random, samples, packet);
    const transport = random(2) === 0 ? "udp" : "tcp";
    packet.copy(place, at, 0, length);
    const size = responder.respond({ view, log }, transport, place, at, length, room);
    const told = `seed ${seed}, packet ${i}: ${packet.toString("hex", 0, length)}`;
    const isQuery = length >= 12 && ((packet[2] ?? 0) & 0x80) === 0;
    if (size === silence) {
      assert.ok(!isQuery, told);
      seen.silent++;
    } else {
      assert.ok(isQuery, told);
      if (size === toForward) seen.forwarded++;
      else {
        checkReply(packet, place, size, told);
        if (transport === "udp") assert.ok(size <= Math.max(512, room), told);
        seen.replies++;
        if (((place[at + 2] ?? 0) & 0x02) !== 0) seen.truncated++;
      }
    }
    assert.equal(place[at - 1], guard, told);
    assert.equal(place[at + room], guard, told);
    place.fill(guard, at, at + Math.max(length, size, 0));
  }
  // Fuzzing that never gets in proves nothing.
  for (const [what, times] of Object.entries(seen)) assert.ok(times > count / 1000, `${what}: ${times}`);
  assert.equal(log.counters.malformed + log.counters.queries, count);
});

/** A reply is a response under the same id and operation, to the same question or none. */
function checkReply(packet: Buffer, place: Buffer, size: number, told: string): void {
  assert.ok(size >= 12 && size <= room, told);
  assert.equal(place.readUInt16BE(at), packet.readUInt16BE(0), told);
  const flags = place[at + 2] ?? 0;
  assert.equal(flags & 0xf8, 0x80 | ((packet[2] ?? 0) & 0x78), told);
  const questions = place.readUInt16BE(at + 4);
  if (questions === 0) {
    assert.equal(size, 12, told);
    assert.notEqual((place[at + 3] ?? 0) & 0x0f, 0, told);
  } else {
    assert.equal(questions, 1, told);
    let end = 12;
    while (place[at + end] !== 0) end += 1 + (place[at + end] ?? 0);
    end += 5;
    assert.equal(Buffer.compare(place.subarray(at + 12, at + end), packet.subarray(12, end)), 0, told);
  }
}
