/** Who reaches a sandbox's resolver: everybody inside, nobody outside; and what happens to it with its namespace. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseIp } from "../../../src/address/ip.ts";
import { isPortolanError } from "../../../src/errors.ts";
import { encodeSocketAddress } from "../../../src/kernel/inet/address.ts";
import { openDatagram } from "../../../src/kernel/inet/datagram.ts";
import { listenStream } from "../../../src/kernel/inet/stream.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { closeSocket } from "../../../src/kernel/syscalls.ts";
import { ask, exchange, inside, queryFor, told } from "../../support/dns-client.ts";
import { enterTestHost, exec, run } from "../../support/test-host.ts";
import { namespaceFor, resolverFor, sandboxIn } from "./support.ts";

enterTestHost();

const web = { id: "web", networkId: "n1", networkName: "front", names: ["web"], addresses: [parseIp("10.0.0.2")] };

const inNamespace = (namespace: string, line: string): string =>
  exec("nsenter", `--net=${namespace}`, ...line.split(" "));

test("askers with any address of the sandbox are answered", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  await resolver.setSandbox(sandboxIn(namespace));
  inNamespace(namespace, "ip link add eth0 type bridge");
  inNamespace(namespace, "ip addr add 10.0.0.2/24 dev eth0");
  inNamespace(namespace, "ip link set eth0 up");
  for (const transport of ["udp", "tcp"] as const) {
    for (const source of [
      [127, 0, 0, 1],
      [10, 0, 0, 2],
    ] as const) {
      assert.equal(told(await ask("web", "A", { namespace, transport, source })), "NOERROR 10.0.0.2", source.join("."));
    }
  }
});

/** The port that a resolver has in a namespace. */
function ownPort(namespace: string, transport: "udp" | "tcp"): number {
  const listed = inNamespace(namespace, `ss -Hln${transport.slice(0, 1)} src 127.0.0.11`);
  const ports = [...listed.matchAll(/127\.0\.0\.11%lo:(\d+)/g)].map(([, port]) => Number(port));
  const [port] = ports;
  assert.ok(port !== undefined && ports.length === 1, listed);
  return port;
}

test("nobody outside reaches it, whatever the sandbox lets itself be routed to", async (t) => {
  const namespace = namespaceFor(t);
  const outside = namespaceFor(t);
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  await resolver.setSandbox(sandboxIn(namespace));
  inNamespace(namespace, `ip link add eth0 type veth peer name eth0 netns ${outside}`);
  for (const [at, address] of [
    [namespace, "10.0.0.2"],
    [outside, "10.0.0.3"],
  ] as const) {
    inNamespace(at, `ip addr add ${address}/24 dev eth0`);
    inNamespace(at, "ip link set eth0 up");
    for (const [name, value] of [
      ["route_localnet", 1],
      ["rp_filter", 0],
      ["accept_local", 1],
    ] as const) {
      for (const link of ["all", "eth0"]) inNamespace(at, `sysctl -qw net.ipv4.conf.${link}.${name}=${value}`);
    }
  }
  // The one outside takes 127.0.0.11 for somebody in the network.
  inNamespace(outside, "ip route del local 127.0.0.0/8 dev lo table local");
  inNamespace(outside, "ip route add 127.0.0.11/32 via 10.0.0.2 dev eth0 src 10.0.0.3");
  const listener = inside(namespace, () =>
    openDatagram({ local: encodeSocketAddress(Uint8Array.of(127, 0, 0, 11), 5300) }),
  );
  t.after(() => closeSocket(listener));
  const place = { namespace: outside, patience: 700, source: [10, 0, 0, 3] } as const;
  await exchange(queryFor("web", "A"), { ...place, port: 5300, patience: 100 });
  // The way there is open: an ordinary socket at that address has got its packet.
  assert.match(inNamespace(namespace, "ss -Hlun sport = :5300"), /UNCONN +[1-9]/);
  for (const transport of ["udp", "tcp"] as const) {
    for (const port of [53, ownPort(namespace, transport)]) {
      const asked = exchange(queryFor("web", "A"), { ...place, port, transport }).catch((error: unknown) => {
        assert.match(String(error), /refused|timed out|no route/i);
      });
      assert.equal(await asked, undefined, `${transport} port ${port}`);
    }
  }
  assert.equal((await resolver.counters("s1")).queries, 0);
});

test("two sandboxes have their own answers at one address", async (t) => {
  const [one, two] = [namespaceFor(t), namespaceFor(t)];
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  resolver.setEndpoint({ ...web, id: "web2", networkId: "n2", networkName: "back", addresses: [parseIp("10.0.0.3")] });
  await resolver.setSandbox(sandboxIn(one));
  await resolver.setSandbox(sandboxIn(two, { id: "s2", networks: ["n2"] }));
  assert.equal(told(await ask("web", "A", { namespace: one })), "NOERROR 10.0.0.2");
  assert.equal(told(await ask("web", "A", { namespace: two })), "NOERROR 10.0.0.3");
});

test("a port that somebody has, or a namespace that is gone, is told with its reason", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const local = encodeSocketAddress(Uint8Array.of(0, 0, 0, 0), 53);
  for (const open of [() => openDatagram({ local }), () => listenStream(local, { backlog: 1 })]) {
    const theirs = inside(namespace, open);
    const set = resolver.setSandbox(sandboxIn(namespace, { port: 53 }));
    await assert.rejects(set, (error) => isPortolanError(error, "address-in-use"));
    closeSocket(theirs);
  }
  await resolver.setSandbox(sandboxIn(namespace, { port: 53 }));
  await assert.rejects(resolver.setSandbox(sandboxIn("/run/nowhere")), (error) => isPortolanError(error, "not-found"));
});

test("a sandbox that is removed is let go: its port is free, and so is its namespace", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  await resolver.setSandbox(sandboxIn(namespace));
  run(`ip link add eth9 type veth peer name eth0 netns ${namespace}`);
  await resolver.removeSandbox("s1");
  assert.equal(await exchange(queryFor("web", "A"), { namespace, patience: 300 }), undefined);
  await assert.rejects(resolver.counters("s1"), (error) => isPortolanError(error, "not-found"));
  createKernel().dropNamespace(namespace);
  await until(() => !run("ip -o link").includes("eth9"), 3000);
});

test("a namespace that somebody else drops is let go within some seconds", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  await resolver.setSandbox(sandboxIn(namespace));
  run(`ip link add eth8 type veth peer name eth0 netns ${namespace}`);
  createKernel().dropNamespace(namespace);
  await until(() => !run("ip -o link").includes("eth8"), 12_000);
  await assert.rejects(resolver.counters("s1"), (error) => isPortolanError(error, "not-found"));
});

test("a namespace made anew at the same path is served when it is set again", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  await resolver.setSandbox(sandboxIn(namespace));
  const kernel = createKernel();
  kernel.dropNamespace(namespace);
  kernel.createNamespace(namespace);
  kernel.close();
  inNamespace(namespace, "ip link set lo up");
  await resolver.setSandbox(sandboxIn(namespace));
  assert.equal(told(await ask("web", "A", { namespace })), "NOERROR 10.0.0.2");
});

test("what is set and removed takes effect for the next query, for all sandboxes that see the network", async (t) => {
  const namespaces = [namespaceFor(t), namespaceFor(t)];
  const resolver = resolverFor(t);
  for (const [i, namespace] of namespaces.entries()) await resolver.setSandbox(sandboxIn(namespace, { id: `s${i}` }));
  const all = async (): Promise<readonly string[]> =>
    await Promise.all(namespaces.map(async (namespace) => told(await ask("web", "A", { namespace }))));
  assert.deepEqual(await all(), ["SERVFAIL", "SERVFAIL"]);
  resolver.setEndpoint(web);
  assert.deepEqual(await all(), ["NOERROR 10.0.0.2", "NOERROR 10.0.0.2"]);
  resolver.setEndpoint({ ...web, addresses: [parseIp("10.0.0.9")] });
  assert.deepEqual(await all(), ["NOERROR 10.0.0.9", "NOERROR 10.0.0.9"]);
  await resolver.setSandbox(sandboxIn(namespaces[0] ?? "/", { id: "s0", networks: [] }));
  assert.deepEqual(await all(), ["SERVFAIL", "NOERROR 10.0.0.9"]);
  resolver.removeEndpoint("web");
  assert.deepEqual(await all(), ["SERVFAIL", "SERVFAIL"]);
});

test("endpoints that were set before the first sandbox are known to it", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  resolver.setEndpoint({ ...web, id: "gone" });
  resolver.setEndpoint(web);
  resolver.removeEndpoint("gone");
  await resolver.setSandbox(sandboxIn(namespace));
  assert.equal(told(await ask("web", "A", { namespace })), "NOERROR 10.0.0.2");
});

test("queries and counters tell what was asked and what became of it", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  await resolver.setSandbox(sandboxIn(namespace));
  await ask("web", "A", { namespace });
  await ask("web", "AAAA", { namespace, transport: "tcp" });
  await ask("nobody.test", "A", { namespace });
  const answer = await exchange(Buffer.from("0007010000010000000000000377", "hex"), { namespace });
  assert.equal(answer?.toString("hex"), "000781810000000000000000");
  const queries = await resolver.queries("s1");
  assert.deepEqual(
    queries.map(({ time, ...rest }) => {
      assert.ok(Math.abs(Number(time / 1_000_000n) - Date.now()) < 5000);
      return rest;
    }),
    [
      { sandboxId: "s1", name: "web", type: "A", code: "NOERROR", from: "records", transport: "udp" },
      {
        sandboxId: "s1",
        name: "web",
        type: "AAAA",
        code: "NOERROR",
        from: "records",
        reason: "web has no IPv6 address",
        transport: "tcp",
      },
      {
        sandboxId: "s1",
        name: "nobody.test",
        type: "A",
        code: "SERVFAIL",
        from: "nobody",
        reason: "not known here, and there is no nameserver to ask: it has none, or all its networks are internal",
        transport: "udp",
      },
    ],
  );
  assert.deepEqual(await resolver.counters("s1"), {
    queries: 3,
    known: 2,
    forwarded: 0,
    failed: 0,
    malformed: 1,
    refused: 0,
  });
});

test("a resolver that is closed frees every port, and refuses what comes after", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  await resolver.setSandbox(sandboxIn(namespace));
  await resolver.close();
  await resolver.close();
  await assert.rejects(resolver.setSandbox(sandboxIn(namespace)), (error) => isPortolanError(error));
  const again = resolverFor(t);
  await again.setSandbox(sandboxIn(namespace));
});

async function until(isSo: () => boolean, patience: number): Promise<void> {
  const end = performance.now() + patience;
  while (!isSo()) {
    if (performance.now() > end) assert.fail(`not so within ${patience} ms`);
    await sleep(50);
  }
}
