/** Queries that nameservers have to answer: good ones, dead ones, slow ones and liars. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "dns-packet";
import { parseIp } from "../../../src/address/ip.ts";
import { encodeSocketAddress } from "../../../src/kernel/inet/address.ts";
import { openDatagram } from "../../../src/kernel/inet/datagram.ts";
import { closeSocket, sendDatagram } from "../../../src/kernel/syscalls.ts";
import type { NamedSandbox, Nameserver } from "../../../src/naming/resolver.ts";
import { ask, exchange, inside, queryFor, told } from "../../support/dns-client.ts";
import { addressRecord, answerTo, startNameserver } from "../../support/nameserver.ts";
import { enterTestHost } from "../../support/test-host.ts";
import { namespaceFor, resolverFor, sandboxIn } from "./support.ts";

enterTestHost();

const sandbox = (namespace: NamedSandbox["namespace"], ...nameservers: readonly Nameserver[]): NamedSandbox =>
  sandboxIn(namespace, { networks: [], nameservers });

const server = (address: string, from: Nameserver["from"] = "sandbox"): Nameserver => ({
  address: parseIp(address),
  from,
});

const first = [127, 0, 0, 1] as const;
const second = [127, 0, 0, 2] as const;
const third = [127, 0, 0, 3] as const;

test("a name that nobody knows here is asked from the sandbox, or from the host, as the nameserver says", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  startNameserver(t, {
    namespace,
    address: first,
    answer: (asked) => [answerTo(asked, [addressRecord(asked, "192.0.2.1")])],
  });
  startNameserver(t, { address: first, answer: (asked) => [answerTo(asked, [addressRecord(asked, "192.0.2.2")])] });
  for (const transport of ["udp", "tcp"] as const) {
    await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
    assert.equal(told(await ask("example.test", "A", { namespace, transport })), "NOERROR 192.0.2.1");
    await resolver.setSandbox(sandbox(namespace, server("127.0.0.1", "host")));
    assert.equal(told(await ask("example.test", "A", { namespace, transport })), "NOERROR 192.0.2.2");
  }
});

test("a nameserver's answer comes under the asker's id and in his letters", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const upstream = startNameserver(t, {
    namespace,
    answer: (asked) => {
      const lower =
        asked.query.questions?.map((question) => ({ ...question, name: question.name.toLowerCase() })) ?? [];
      return [answerTo(asked, [addressRecord(asked, "192.0.2.1")], { questions: lower })];
    },
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
  const query = queryFor("ExAmPlE.tEsT", "A");
  const answer = await exchange(query, { namespace });
  assert.ok(answer);
  assert.equal(answer.readUInt16BE(0), query.readUInt16BE(0));
  assert.equal(decode(answer).questions?.[0]?.name, "ExAmPlE.tEsT");
  assert.equal(upstream.asked[0]?.query.questions?.[0]?.name, "ExAmPlE.tEsT");
});

test("ids and ports of forwarded queries are drawn anew", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const upstream = startNameserver(t, {
    namespace,
    answer: (asked) => [answerTo(asked, [addressRecord(asked, "192.0.2.1")])],
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
  const count = 300;
  for (let i = 0; i < count; i++) await ask(`n${i}.test`, "A", { namespace });
  const ids = new Set(upstream.asked.map(({ query }) => query.id));
  // Of 300 numbers out of 65,536 some may be the same.
  assert.ok(ids.size > count - 10, `${ids.size} ids`);
  const ports = upstream.asked.map(({ sender }) => sender.port);
  assert.ok(new Set(ports).size >= 4);
  const row = ports.slice(0, 100);
  assert.ok(
    row.some((port, i) => i > 0 && port !== row[i - 1]),
    "one port only",
  );
});

const failures: readonly (readonly [string, number, string])[] = [
  ["fails", 2, "SERVFAIL"],
  ["refuses", 5, "REFUSED"],
];

for (const [does, code, name] of failures) {
  test(`where a nameserver ${does} the next one is asked`, async (t) => {
    const namespace = namespaceFor(t);
    const resolver = resolverFor(t);
    startNameserver(t, { namespace, address: first, answer: (asked) => [answerTo(asked, [], { code })] });
    startNameserver(t, {
      namespace,
      address: second,
      answer: (asked) => [answerTo(asked, [addressRecord(asked, "192.0.2.2")])],
    });
    await resolver.setSandbox(sandbox(namespace, server("127.0.0.1"), server("127.0.0.2")));
    assert.equal(told(await ask("example.test", "A", { namespace })), "NOERROR 192.0.2.2");
    await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
    assert.equal(told(await ask("example.test", "A", { namespace })), "SERVFAIL");
    const [last] = (await resolver.queries("s1")).slice(-1);
    assert.equal(last?.from, "nobody");
    assert.equal(last?.reason, `not known here, and no nameserver answered: 127.0.0.1 answered ${name}`);
  });
}

test("where nobody listens the next one is asked at once", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  startNameserver(t, {
    namespace,
    address: second,
    answer: (asked) => [answerTo(asked, [addressRecord(asked, "192.0.2.2")])],
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1"), server("192.0.2.77"), server("127.0.0.2")));
  const start = performance.now();
  assert.equal(told(await ask("example.test", "A", { namespace })), "NOERROR 192.0.2.2");
  assert.ok(performance.now() - start < 1000);
});

test("no such name is an answer, and not asked again", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const one = startNameserver(t, { namespace, address: first, answer: (asked) => [answerTo(asked, [], { code: 3 })] });
  const other = startNameserver(t, {
    namespace,
    address: second,
    answer: (asked) => [answerTo(asked, [addressRecord(asked, "192.0.2.2")])],
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1"), server("127.0.0.2")));
  assert.equal(told(await ask("example.test", "A", { namespace })), "NXDOMAIN");
  assert.equal(told(await ask("example.test", "A", { namespace })), "NXDOMAIN");
  // Nothing is kept of it: both were forwarded.
  assert.equal(one.asked.length, 2);
  assert.equal(other.asked.length, 0);
  const [last] = (await resolver.queries("s1")).slice(-1);
  assert.equal(last?.code, "NXDOMAIN");
  assert.equal(last?.reason, "not known here, and 127.0.0.1 answered NXDOMAIN");
});

test("a silent nameserver is given up for the next one within 2 s, and asked once more where all are", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const dead = startNameserver(t, { namespace, address: first, answer: () => [] });
  startNameserver(t, {
    namespace,
    address: second,
    answer: (asked) => [answerTo(asked, [addressRecord(asked, "192.0.2.2")])],
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1"), server("127.0.0.2")));
  const start = performance.now();
  assert.equal(told(await ask("example.test", "A", { namespace })), "NOERROR 192.0.2.2");
  const took = performance.now() - start;
  assert.ok(took > 1400 && took < 2500, `${took} ms`);
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
  dead.asked.length = 0;
  const again = performance.now();
  assert.equal(told(await ask("example.test", "A", { namespace })), "SERVFAIL");
  assert.ok(performance.now() - again < 5000, "stub resolvers give up after 5 s");
  assert.equal(dead.asked.length, 2);
  const [last] = (await resolver.queries("s1")).slice(-1);
  assert.equal(
    last?.reason,
    "not known here, and no nameserver answered: 127.0.0.1 did not answer within 1.5 s; 127.0.0.1 did not answer within 3 s",
  );
});

test("a late answer counts, whoever was asked meanwhile", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  startNameserver(t, {
    namespace,
    address: first,
    answer: async (asked) => {
      await promise;
      return [answerTo(asked, [addressRecord(asked, "192.0.2.1")])];
    },
  });
  startNameserver(t, {
    namespace,
    address: second,
    answer: () => {
      resolve();
      return [];
    },
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1"), server("127.0.0.2")));
  assert.equal(told(await ask("example.test", "A", { namespace })), "NOERROR 192.0.2.1");
});

test("answers with another id, question or sender are not taken", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const anotherPort = encodeSocketAddress(Uint8Array.from(first), 5353);
  const liar = inside(namespace, () => openDatagram({ local: anotherPort }));
  t.after(() => closeSocket(liar));
  startNameserver(t, {
    namespace,
    address: first,
    answer: (asked) => {
      const lie = (more: Parameters<typeof answerTo>[2]) =>
        answerTo(asked, [addressRecord(asked, "198.51.100.66")], more);
      const [question] = asked.query.questions ?? [];
      sendDatagram(liar, lie({}), encodeSocketAddress(Uint8Array.from(first), asked.sender.port));
      return [
        lie({ id: ((asked.query.id ?? 0) + 1) & 0xffff }),
        lie({ questions: [{ name: "other.test", type: "A", class: "IN" }] }),
        lie({ questions: [{ name: question?.name ?? "", type: "AAAA", class: "IN" }] }),
        lie({ questions: [] }),
        lie({ flags: 0x0100, type: "query" }),
        lie({}).subarray(0, 20),
        answerTo(asked, [addressRecord(asked, "192.0.2.1")]),
      ];
    },
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
  assert.equal(told(await ask("example.test", "A", { namespace })), "NOERROR 192.0.2.1");
});

const many = (count: number) => Array.from({ length: count }, (_, i) => `10.9.${i >> 8}.${i & 255}`);

test("an answer that UDP cut short is fetched by TCP, and cut to what the asker takes", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const upstream = startNameserver(t, {
    namespace,
    answer: (asked) => {
      const records = many(100).map((address) => addressRecord(asked, address));
      return [asked.transport === "udp" ? answerTo(asked, [], { flags: 0x8380 }) : answerTo(asked, records)];
    },
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
  const small = await ask("x.test", "A", { namespace });
  assert.equal(small.flag_tc, true);
  assert.ok((small.answers?.length ?? 0) > 10 && (small.answers?.length ?? 0) < 30);
  const opt = {
    type: "OPT",
    name: ".",
    udpPayloadSize: 4096,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  } as const;
  const large = await ask("x.test", "A", { namespace }, { additionals: [{ ...opt, options: [] }] });
  assert.equal(large.flag_tc, false);
  assert.equal(large.answers?.length, 100);
  assert.equal((await ask("x.test", "A", { namespace, transport: "tcp" })).answers?.length, 100);
  assert.deepEqual(
    upstream.asked.map(({ transport }) => transport),
    ["udp", "tcp", "udp", "tcp", "tcp"],
  );
});

test("where TCP fails the asker gets what UDP brought", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  startNameserver(t, {
    namespace,
    answer: (asked) =>
      asked.transport === "udp" ? [answerTo(asked, [addressRecord(asked, "192.0.2.1")], { flags: 0x8380 })] : [],
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
  const answer = await ask("x.test", "A", { namespace });
  assert.equal(answer.flag_tc, true);
  assert.equal(told(answer), "NOERROR 192.0.2.1");
});

test("EDNS goes through, with no more room than there is", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const upstream = startNameserver(t, {
    namespace,
    answer: (asked) => [answerTo(asked, [], { additionals: asked.query.additionals ?? [] })],
  });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
  const sizes = [];
  for (const size of [1232, 65_000]) {
    const options = {
      type: "OPT",
      name: ".",
      udpPayloadSize: size,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0x8000,
      flag_do: true,
    } as const;
    const answer = await ask("x.test", "A", { namespace }, { additionals: [{ ...options, options: [] }] });
    assert.equal(answer.additionals?.[0]?.type, "OPT");
    const [record] = upstream.asked.at(-1)?.query.additionals ?? [];
    if (record?.type === "OPT") sizes.push([record.udpPayloadSize, record.flag_do]);
  }
  assert.deepEqual(sizes, [
    [1232, true],
    [4096, true],
  ]);
});

test("a nameserver that cannot read a question passes its word on", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  startNameserver(t, { namespace, answer: (asked) => [answerTo(asked, [], { code: 1, questions: [] })] });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.1")));
  const answer = await ask("x.test", "A", { namespace });
  assert.equal(told(answer), "FORMERR");
  assert.equal(answer.questions?.[0]?.name, "x.test");
});

test("with ndots single-label names are not forwarded, and without nameservers nothing is", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const upstream = startNameserver(t, {
    namespace,
    answer: (asked) => [answerTo(asked, [addressRecord(asked, "192.0.2.1")])],
  });
  await resolver.setSandbox({ ...sandbox(namespace, server("127.0.0.1")), ndots: 1 });
  assert.equal(told(await ask("single", "A", { namespace })), "NOERROR");
  assert.equal(told(await ask("single", "AAAA", { namespace })), "NOERROR");
  assert.equal(upstream.asked.length, 0);
  assert.equal(told(await ask("two.labels", "A", { namespace })), "NOERROR 192.0.2.1");
  await ask("single", "MX", { namespace });
  assert.equal(upstream.asked.length, 2);
  await resolver.setSandbox(sandbox(namespace));
  assert.equal(told(await ask("two.labels", "A", { namespace })), "SERVFAIL");
  const reasons = (await resolver.queries("s1")).map(({ reason }) => reason);
  assert.match(reasons[0] ?? "", /ndots is 1/);
  assert.match(reasons.at(-1) ?? "", /no nameserver to ask/);
});

test("its own address is never asked", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.11")));
  assert.equal(told(await ask("two.labels", "A", { namespace })), "SERVFAIL");
  const counters = await resolver.counters("s1");
  assert.equal(counters.queries, 1);
  assert.equal(counters.forwarded, 0);
});

test("beyond 1,024 queries under way others are refused, and counted", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  startNameserver(t, { namespace, address: third, answer: () => [] });
  await resolver.setSandbox(sandbox(namespace, server("127.0.0.3")));
  const asked = Array.from({ length: 1100 }, (_, i) => exchange(queryFor(`n${i}.test`, "A"), { namespace }));
  const codes = (await Promise.all(asked)).map((answer) => (answer === undefined ? "lost" : told(decode(answer))));
  assert.equal(codes.filter((code) => code === "REFUSED").length, 1100 - 1024);
  assert.equal(codes.filter((code) => code === "SERVFAIL").length, 1024);
  const { refused, failed, forwarded } = await resolver.counters("s1");
  assert.deepEqual({ refused, failed, forwarded }, { refused: 76, failed: 1024, forwarded: 1024 });
});
