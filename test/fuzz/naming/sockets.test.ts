/** Damaged packets by real sockets on both transports, with a nameserver that answers damaged packets: nobody falls over, nothing is left. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseIp } from "../../../src/address/ip.ts";
import { encodeSocketAddress } from "../../../src/kernel/inet/address.ts";
import { DatagramBatch, openDatagram } from "../../../src/kernel/inet/datagram.ts";
import { Poll, readiness } from "../../../src/kernel/poll.ts";
import { closeSocket, sendSome } from "../../../src/kernel/syscalls.ts";
import { createResolver } from "../../../src/naming/create-resolver.ts";
import { namespaceFor } from "../../kernel/naming/support.ts";
import { ask, connectTo, inside, messagesOf, prefixed, told } from "../../support/dns-client.ts";
import { mutate, numbersFrom } from "../../support/mutations.ts";
import { enterTestHost } from "../../support/test-host.ts";
import { endpoints, queries, responses, sandbox } from "./samples.ts";

enterTestHost();

const byDatagram = 200_000;
const byStream = 50_000;
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
const random = numbersFrom(seed);
const inThisRun = `seed ${seed}`;
const samples = [...queries, ...responses];
const isQuery = (packet: Uint8Array, length: number): boolean => length >= 12 && ((packet[2] ?? 0) & 0x80) === 0;

/** Megabytes of the process that are not this thread's heap: the resolver's, and what all share. */
const resident = (): number => {
  const { rss, heapTotal, external } = process.memoryUsage();
  return (rss - heapTotal - external) / 2 ** 20;
};
const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** A nameserver that sends damaged answers, then mostly a good one. */
function nameserverAt(t: TestContext, namespace: string) {
  const local = encodeSocketAddress(Uint8Array.of(127, 0, 0, 1), 53);
  const fd = inside(namespace, () => openDatagram({ local, receiveBuffer: 1 << 20 }));
  t.after(() => closeSocket(fd));
  const batch = new DatagramBatch(64, 4096);
  const packet = Buffer.alloc(2048);
  return {
    fd,
    serve(): void {
      const count = batch.receive(fd);
      for (let slot = 0; slot < count; slot++) {
        const start = slot * batch.slotLength;
        const length = batch.lengthOf(slot);
        const good = Buffer.from(batch.bytes.subarray(start, start + length));
        good.writeUInt8(0x81, 2);
        for (let lies = random(3); lies > 0; lies--) {
          const size = mutate(random, [good, good, ...responses], packet);
          // Mostly under the right id: a wrong one is not looked at any further.
          if (random(4) > 0) good.copy(packet, 0, 0, 2);
          packet.copy(batch.bytes, start, 0, size);
          batch.answer(fd, slot, size);
        }
        if (random(50) === 0) continue;
        good.copy(batch.bytes, start);
        batch.answer(fd, slot, good.length);
      }
    },
  };
}

test(`${byDatagram} damaged datagrams and ${byStream} damaged messages`, async (t) => {
  const faults = t.mock.method(console, "error");
  const namespace = namespaceFor(t);
  const before = descriptors();
  const resolver = createResolver();
  for (const endpoint of endpoints) resolver.setEndpoint(endpoint);
  const nameservers = [{ address: parseIp("127.0.0.1"), from: "sandbox" }] as const;
  await resolver.setSandbox({ ...sandbox, id: "s1", namespace, nameservers });
  const nameserver = nameserverAt(t, namespace);

  // The first half fills what a heap keeps for later; the second half must not need more.
  const half = async (): Promise<void> => {
    for (let quarter = 0; quarter < 2; quarter++) flood(namespace, nameserver, byDatagram / 4);
    await pour(namespace, nameserver, byStream / 2);
  };
  await half();
  const warm = resident();
  await half();
  assert.ok(resident() - warm < 30, `${inThisRun}: ${resident() - warm} MB more`);

  // What waits for the silent nameserver is over within 4.5 s, and sockets within 10.
  await sleep(11_000);
  assert.equal(told(await ask("web.front", "A", { namespace })), "NOERROR 10.0.0.2", inThisRun);
  const { queries: asked, malformed, known, forwarded } = await resolver.counters("s1");
  for (const counted of [asked, malformed, known, forwarded]) assert.ok(counted > byDatagram / 100, inThisRun);
  await resolver.removeSandbox("s1");
  await resolver.close();
  assert.ok(descriptors() <= before + 1, `${inThisRun}: ${descriptors() - before} descriptors are left`);
  assert.deepEqual(
    faults.mock.calls.map((call) => call.arguments),
    [],
    inThisRun,
  );
});

const batch = new DatagramBatch(64, 4096);

/** A good query, under an id that damaged ones never have. */
const markId = 0xffff;
const mark = Buffer.from(queries[0] ?? []);
mark.writeUInt16BE(markId, 0);

/** Sends fewer than 65,535 datagrams, and holds every reply against what was sent under its id. */
function flood(namespace: string, nameserver: ReturnType<typeof nameserverAt>, count: number): void {
  const peer = encodeSocketAddress(Uint8Array.of(127, 0, 0, 11), 53);
  const fd = inside(namespace, () => openDatagram({ peer, receiveBuffer: 1 << 21 }));
  const poll = new Poll(8);
  poll.add(fd, readiness.readable);
  poll.add(nameserver.fd, readiness.readable);
  const packet = Buffer.alloc(2048);
  /** By id: whether it went out under a query. */
  const queried = new Uint8Array(65536);
  queried[markId] = 1;
  let replies = 0;
  let marks = 0;
  const drain = (milliseconds: number): boolean => {
    const ready = poll.wait(milliseconds);
    for (let event = 0; event < ready; event++) {
      if (poll.descriptorOf(event) === nameserver.fd) nameserver.serve();
      else {
        const came = batch.receive(fd);
        for (let slot = 0; slot < came; slot++) {
          const start = slot * batch.slotLength;
          assert.ok(batch.lengthOf(slot) >= 12, inThisRun);
          assert.equal((batch.bytes[start + 2] ?? 0) & 0x80, 0x80, inThisRun);
          const id = batch.bytes.readUInt16BE(start);
          assert.equal(queried[id], 1, `${inThisRun}: an answer to what is no query`);
          replies++;
          if (id === markId) marks++;
        }
      }
    }
    return ready > 0;
  };
  // No id comes again: replies may take seconds.
  for (let id = 0; id < count; id++) {
    const length = mutate(random, samples, packet);
    if (length >= 2) packet.writeUInt16BE(id, 0);
    queried[id] = isQuery(packet, length) ? 1 : 0;
    sendSome(fd, packet.subarray(0, length));
    if (id % 32 !== 31) continue;
    // No faster than it goes: a good query among them is answered when they are through.
    const wanted = marks + 1;
    sendSome(fd, mark);
    while (marks < wanted) assert.ok(drain(5000), `${inThisRun}: a good query was lost`);
  }
  while (drain(300));
  poll.close();
  closeSocket(fd);
  assert.ok(replies > count / 2, `${inThisRun}: ${replies} replies only`);
}

/** Sends messages by connections, a new one whenever the last was closed. */
async function pour(namespace: string, nameserver: ReturnType<typeof nameserverAt>, count: number): Promise<void> {
  const packet = Buffer.alloc(2048);
  const serving = setInterval(() => nameserver.serve(), 1);
  let replies = 0;
  for (let sent = 0; sent < count; ) {
    const connection = connectTo({ namespace });
    connection.on("error", () => {});
    const queried = new Set<number>();
    const messages: Buffer[] = [];
    for (let good = true; good && messages.length < 500; sent++) {
      const length = mutate(random, samples, packet);
      good = isQuery(packet, length) && random(200) > 0;
      const message = prefixed(packet.subarray(0, length));
      if (isQuery(packet, length)) queried.add(packet.readUInt16BE(0));
      // A length that lies makes a stream of nonsense.
      if (random(200) === 0) message.writeUInt16BE(random(65536), 0);
      messages.push(message);
    }
    connection.end(Buffer.concat(messages));
    connection.setTimeout(400, () => connection.destroy());
    try {
      for await (const message of messagesOf(connection)) {
        assert.equal((message[2] ?? 0) & 0x80, 0x80, inThisRun);
        replies++;
      }
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }
  clearInterval(serving);
  assert.ok(replies > count / 20, `${inThisRun}: ${replies} replies only`);
}
