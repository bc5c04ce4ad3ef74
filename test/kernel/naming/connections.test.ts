/** Queries by TCP: several after each other, in pieces, too many, and nonsense. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { decode } from "dns-packet";
import { parseIp } from "../../../src/address/ip.ts";
import type { Resolver } from "../../../src/naming/resolver.ts";
import { connectTo, messagesOf, prefixed, queryFor, told } from "../../support/dns-client.ts";
import { addressRecord, answerTo, startNameserver } from "../../support/nameserver.ts";
import { enterTestHost } from "../../support/test-host.ts";
import { namespaceFor, resolverFor } from "./support.ts";

enterTestHost();

interface Served {
  readonly namespace: `/${string}`;
  readonly resolver: Resolver;
}

/** A sandbox in which `web` has 10.0.0.2 and `big` has a thousand addresses; others are asked at 127.0.0.1. */
async function serve(t: TestContext): Promise<Served> {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const common = { networkId: "n1", networkName: "front" };
  const thousand = Array.from({ length: 1000 }, (_, i) => parseIp(`10.1.${i >> 8}.${i & 255}`));
  resolver.setEndpoint({ ...common, id: "web", names: ["web"], addresses: [parseIp("10.0.0.2")] });
  resolver.setEndpoint({ ...common, id: "big", names: ["big"], addresses: thousand });
  await resolver.setSandbox({
    id: "s1",
    namespace,
    networks: ["n1"],
    links: {},
    extraHosts: {},
    nameservers: [{ address: parseIp("127.0.0.1"), from: "sandbox" }],
  });
  return { namespace, resolver };
}

test("many queries at once by one connection are all answered, forwarded ones when their answer is there", async (t) => {
  const { namespace } = await serve(t);
  startNameserver(t, {
    namespace,
    answer: async (asked) => {
      await sleep(50);
      return [answerTo(asked, [addressRecord(asked, "192.0.2.1")])];
    },
  });
  const connection = connectTo({ namespace });
  const queries = Array.from({ length: 200 }, (_, i) => queryFor(i % 3 === 0 ? `n${i}.test` : "web", "A"));
  connection.write(Buffer.concat(queries.map(prefixed)));
  const replies = new Map<number, string>();
  for await (const message of messagesOf(connection)) {
    replies.set(message.readUInt16BE(0), told(decode(message)));
    if (replies.size === queries.length) break;
  }
  for (const [i, query] of queries.entries()) {
    assert.equal(replies.get(query.readUInt16BE(0)), i % 3 === 0 ? "NOERROR 192.0.2.1" : "NOERROR 10.0.0.2");
  }
});

test("a query that comes byte by byte is one", async (t) => {
  const { namespace } = await serve(t);
  const connection = connectTo({ namespace });
  connection.setNoDelay(true);
  for (const byte of prefixed(queryFor("web", "A"))) {
    connection.write(Buffer.of(byte));
    await sleep(2);
  }
  for await (const message of messagesOf(connection)) {
    assert.equal(told(decode(message)), "NOERROR 10.0.0.2");
    break;
  }
});

test("an asker who ends his side still gets his replies, then the end", async (t) => {
  const { namespace } = await serve(t);
  startNameserver(t, {
    namespace,
    answer: async (asked) => {
      await sleep(100);
      return [answerTo(asked, [addressRecord(asked, "192.0.2.1")])];
    },
  });
  const connection = connectTo({ namespace });
  connection.end(prefixed(queryFor("x.test", "A")));
  const replies = [];
  for await (const message of messagesOf(connection)) replies.push(told(decode(message)));
  assert.deepEqual(replies, ["NOERROR 192.0.2.1"]);
});

test("whoever asks for much and reads nothing is not read either, and gets all of it in the end", async (t) => {
  const { namespace, resolver } = await serve(t);
  const connection = connectTo({ namespace });
  const count = 3000;
  for (let i = 0; i < count; i++) connection.write(prefixed(queryFor("big", "A")));
  await sleep(500);
  const { known } = await resolver.counters("s1");
  assert.ok(known < count / 2, `${known} were answered into nowhere`);
  let replies = 0;
  for await (const message of messagesOf(connection)) {
    assert.equal(message.readUInt16BE(6), 1000);
    if (++replies === count) break;
  }
  assert.equal(replies, count);
});

const nonsense: readonly (readonly [string, Buffer])[] = [
  ["a message longer than any query", Buffer.from([0xff, 0xff, 0, 0])],
  ["a message of nothing", Buffer.from([0, 0])],
  ["a response", prefixed(Buffer.concat([Buffer.from([0, 7, 0x80, 0]), queryFor("web", "A").subarray(4)]))],
];

for (const [what, bytes] of nonsense) {
  test(`${what} ends the connection without a word`, async (t) => {
    const { namespace } = await serve(t);
    const connection = connectTo({ namespace });
    connection.write(bytes);
    const replies = [];
    try {
      for await (const message of messagesOf(connection)) replies.push(message);
    } catch (error) {
      // What it was sent and did not read makes its end a reset.
      assert.equal((error as NodeJS.ErrnoException).code, "ECONNRESET");
    }
    assert.equal(replies.length, 0);
  });
}

test("of more than 64 connections the longest idle one makes room", async (t) => {
  const { namespace } = await serve(t);
  const first = connectTo({ namespace });
  const ended = once(first.resume(), "close");
  first.write(prefixed(queryFor("web", "A")));
  await once(first, "data");
  const others = Array.from({ length: 64 }, () => connectTo({ namespace }));
  await ended;
  const [last] = others.slice(-1);
  last?.write(prefixed(queryFor("web", "A")));
  for await (const message of messagesOf(last ?? first)) {
    assert.equal(told(decode(message)), "NOERROR 10.0.0.2");
    break;
  }
  for (const connection of others) connection.destroy();
});

test("a connection on which nothing happens is closed after 10 s", async (t) => {
  const { namespace } = await serve(t);
  const connection = connectTo({ namespace });
  const start = performance.now();
  await once(connection.resume(), "close");
  const took = performance.now() - start;
  assert.ok(took > 9500 && took < 12_500, `${took} ms`);
});
