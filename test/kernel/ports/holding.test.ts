/** Published ports are held: nobody else can have one, whoever has one already is named, and what the kernel tracks follows who has it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";

import { after, before, test } from "node:test";
import { PortolanError } from "../../../src/errors.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createController } from "../../../src/model/controller.ts";
import type { Endpoint, NetworkController } from "../../../src/model/types.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import { enterTestHost, exec, run, snapshot, temporaryDirectory } from "../../support/test-host.ts";

enterTestHost();

const empty = snapshot();
let controller: NetworkController;

before(async () => {
  controller = await createController({ runDir: "/run/portolan" });
  await controller.createNetwork({
    name: "front",
    enableIpv6: true,
    ipam: { pools: [{ subnet: "10.10.0.0/24" }, { subnet: "fd00:10::/64" }] },
  });
});

after(async () => {
  await controller.pruneNetworks();
  await controller.close();
  assert.deepEqual(snapshot(), empty, "nothing is left");
});

/** A sandbox with published ports, for the time of a test. */
async function published(
  name: string,
  ...publish: readonly string[]
): Promise<AsyncDisposable & { readonly endpoint: Endpoint }> {
  const sandbox = await controller.createSandbox({ name });
  try {
    const endpoint = await controller.connect(controller.network("front"), sandbox, { publish });
    return { endpoint, [Symbol.asyncDispose]: () => sandbox.delete() };
  } catch (error) {
    await sandbox.delete();
    throw error;
  }
}

/** What a process meets that wants a port of the host: `bound`, or the system's words. With SO_REUSEADDR, as servers do. */
const bind = (protocol: "tcp" | "udp", address: string, port: number): string =>
  exec("perl", "-e", bindScript(protocol, address, port));

function bindScript(protocol: "tcp" | "udp", address: string, port: number): string {
  return `use Socket qw(:all); my ($e, @r) = getaddrinfo("${address}", ${port}, {socktype => SOCK_${protocol === "tcp" ? "STREAM" : "DGRAM"}, flags => AI_NUMERICHOST});
    my $a = $r[0]; socket(my $s, $a->{family}, $a->{socktype}, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
    setsockopt($s, IPPROTO_IPV6, IPV6_V6ONLY, 1) if $a->{family} == AF_INET6;
    print bind($s, $a->{addr}) && (${protocol === "udp" ? 1 : "listen($s, 1)"}) ? "bound" : "$!";`;
}

test("nobody can bind a port that is published, by any of the host's addresses, as long as it is", async () => {
  {
    await using _web = await published("web", "8080:80", "5353:53/udp", "127.0.0.1:9000:90", "7000-7003:70-73");
    for (const [protocol, port] of [
      ["tcp", 8080],
      ["udp", 5353],
      ["tcp", 7003],
    ] as const)
      for (const address of ["0.0.0.0", "127.0.0.1", "::", "::1"])
        assert.equal(bind(protocol, address, port), "Address already in use", `${protocol} ${address} ${port}`);
    assert.equal(bind("tcp", "127.0.0.1", 9000), "Address already in use");
    assert.equal(bind("tcp", "127.0.0.2", 9000), "bound");
    assert.equal(bind("udp", "0.0.0.0", 8080), "bound", "of another protocol");
    assert.equal(bind("tcp", "0.0.0.0", 7004), "bound");
  }
  for (const port of [8080, 7003]) assert.equal(bind("tcp", "::", port), "bound");
});

test("a port that a process has is refused with its pid and name, and nothing is left of the attempt", async () => {
  const server = createServer().listen(8081, "127.0.0.1");
  await once(server, "listening");
  const before = snapshot();
  await assert.rejects(published("web", "8079:79", "8081:81"), (error) => {
    assert.ok(error instanceof Error && "code" in error && "reason" in error && "object" in error);
    assert.equal(error.code, "in-use");
    assert.equal(error.object, "tcp port 8081 of the host");
    assert.match(String(error.reason), new RegExp(`process ${process.pid} \\(.+\\) has tcp port 8081`));
    return true;
  });
  assert.deepEqual(snapshot(), before);
  assert.equal(bind("tcp", "0.0.0.0", 8079), "bound");
  server.close();
  await once(server, "close");
  await using _web = await published("web", "8079:79", "8081:81");
});

test("connections that are closing do not keep a port from being published, and it is held all the same", async () => {
  // The server closes first: its end of the connection stays for a minute (TIME_WAIT).
  exec(
    "perl",
    "-MIO::Socket",
    "-e",
    `my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => 8082, ReuseAddr => 1);
    my $c = IO::Socket::INET->new("127.0.0.1:8082"); my $s = $l->accept; close $s; <$c>; close $c; sleep 0;`,
  );
  assert.match(run("ss -tan"), /TIME-WAIT .*127\.0\.0\.1:8082 /);
  await using _web = await published("web", "8082:80");
  assert.equal(bind("tcp", "0.0.0.0", 8082), "Address already in use");
  assert.equal(bind("tcp", "::", 8082), "Address already in use");
  assert.doesNotMatch(run("ss -tln"), /:8082/, "nobody listens");
});

test("where there is a choice, ports that processes have are passed over", async () => {
  await using server = createServer().listen(8090, "0.0.0.0");
  await once(server, "listening");
  await using web = await published("web", "8090-8095:80", "8090-8095:81", "82", "83");
  const ports = web.endpoint.info().ports.map(({ host }) => host.first);
  assert.deepEqual(ports.slice(0, 2), [8091, 8092]);
  assert.ok(ports.slice(2).every((port) => port >= 32_768 && port <= 60_999));
});

test("which ports are held is told with them", async () => {
  await using web = await published("web", "8120:80", "127.0.0.1:8121:81/udp", "8122-8125:22-25");
  const waiting = await controller.network("front").createEndpoint({ name: "waiting", publish: ["8130:80"] });
  const ports = await controller.ports({ network: ["front"] });
  assert.deepEqual(
    ports.map(({ endpoint, sandbox, host, held }) => [endpoint.name, sandbox?.name, host.first, held]),
    [...[8120, 8121, 8122].map((port) => [web.endpoint.name, "web", port, true]), ["waiting", undefined, 8130, false]],
  );
  await waiting.delete();
});

test("a UDP client that never pauses reaches who has the port since", async () => {
  const client = spawn(
    "perl",
    [
      "-MIO::Socket",
      "-e",
      `$| = 1; my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "10.10.0.1", PeerPort => 5354);
    while (1) { $s->send("x"); my $r = ""; my $in = ""; vec($in, fileno($s), 1) = 1;
      if (select($in, undef, undef, 0.02)) { $s->recv($r, 100); } print "$r\\n" if $r ne ""; }`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const servers: ReturnType<typeof spawn>[] = [];
  const ended = once(client, "exit");
  try {
    for (const name of ["first", "second"]) {
      await using one = await published(name, "5354:5300/udp");
      const sandbox = controller.sandbox(name).info();
      const server = spawn("nsenter", [
        `--net=${sandbox.namespace}`,
        "perl",
        "-MIO::Socket",
        "-e",
        `my $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 5300); while ($s->recv(my $m, 9)) { $s->send("${name}"); }`,
      ]);
      servers.push(server);
      assert.ok(one.endpoint.info().ports.length === 1);
      const said = new Promise<string>((resolve) => {
        client.stdout?.on("data", (data: Buffer) => data.toString().includes(name) && resolve(name));
      });
      const late = new Promise<string>((resolve) => setTimeout(resolve, 2000, "nobody"));
      assert.equal(await Promise.race([said, late]), name);
    }
  } finally {
    client.kill("SIGKILL");
    await ended;
    for (const server of servers) server.kill("SIGKILL");
  }
});

/** Another engine, which lives on and does not mend by itself. */
const openOther = (stateDir: string): Promise<NetworkController> =>
  createController({ stateDir, runDir: "/run/other", engine: createEngine(createKernel()) });

test("the next engine holds the ports again; one that a process took meanwhile is told, and everything else is mended", async () => {
  using directory = temporaryDirectory();
  const open = () => openOther(directory.path);
  await controller.pruneNetworks();
  await controller.close();
  {
    await using first = await open();
    const network = await first.createNetwork({ name: "back" });
    await first.connect(network, await first.createSandbox({ name: "web" }), { publish: ["8100:80", "8101:81"] });
  }
  assert.equal(bind("tcp", "0.0.0.0", 8101), "bound", "its sockets went with it");
  const thief = createServer().listen(8100, "0.0.0.0");
  await once(thief, "listening");
  {
    await using second = await open();
    assert.equal(bind("tcp", "0.0.0.0", 8101), "Address already in use");
    const { problems } = await second.doctor();
    const [lost] = problems.filter(({ code }) => code === "port-lost");
    assert.match(lost?.title ?? "", /tcp port 8100 of the host is published, but not held/);
    assert.match(lost?.detail ?? "", new RegExp(`process ${process.pid} `));
    assert.deepEqual(
      problems.filter(({ code }) => code === "drift"),
      [],
    );
    assert.deepEqual((await second.reconcile()).plan, [], "what could not be done is not told as done");
    assert.equal((await second.doctor()).problems.filter(({ code }) => code === "port-lost").length, 1);
    thief.close();
    await once(thief, "close");
    const [free] = (await second.doctor()).problems.filter(({ code }) => code === "port-lost");
    assert.match(free?.title ?? "", /nobody has it now/);
    await second.reconcile();
    assert.deepEqual(
      (await second.doctor()).problems.filter(({ code }) => code === "port-lost"),
      [],
    );
    await second.sandbox("web").delete();
    await second.network("back").delete();
  }
  controller = await createController({ runDir: "/run/portolan" });
});

test("a lost port is told by an event once, to whoever listens first", async () => {
  using directory = temporaryDirectory();
  const open = () => openOther(directory.path);
  // It would mend what another engine does on its host.
  await controller.pruneNetworks();
  await controller.close();
  {
    await using first = await open();
    await first.connect(await first.createNetwork({ name: "back" }), await first.createSandbox({ name: "web" }), {
      publish: ["8105:80", "8106:81"],
    });
  }
  const thief = createServer().listen(8105, "0.0.0.0");
  await once(thief, "listening");
  {
    await using second = await open();
    const end = new AbortController();
    const events = second.events({ signal: end.signal });
    for (let times = 0; times < 3; times++) assert.deepEqual((await second.reconcile()).plan, []);
    thief.close();
    await once(thief, "close");
    for (let times = 0; times < 2; times++) await second.reconcile();
    end.abort();
    const told: string[] = [];
    for await (const { action, attributes } of events) told.push(`${action} ${attributes["port"] ?? ""}`);
    assert.deepEqual(told, ["lose tcp port 8105 of the host", "reconcile "]);
    await second.sandbox("web").delete();
    await second.network("back").delete();
  }
  controller = await createController({ runDir: "/run/portolan" });
});

test("a port that was lost is told no more when it is published no more", async () => {
  using directory = temporaryDirectory();
  const open = () => openOther(directory.path);
  {
    await using first = await open();
    await first.connect(await first.createNetwork({ name: "back" }), await first.createSandbox({ name: "web" }), {
      publish: ["8110:80"],
    });
  }
  const thief = createServer().listen(8110, "0.0.0.0");
  await once(thief, "listening");
  await using second = await open();
  assert.equal((await second.doctor()).problems.filter(({ code }) => code === "port-lost").length, 1);
  assert.deepEqual(
    (await second.ports()).map(({ held }) => held),
    [false],
  );
  await second.sandbox("web").delete();
  await second.network("back").delete();
  assert.deepEqual(
    (await second.doctor()).problems.filter(({ code }) => code === "port-lost"),
    [],
  );
  thief.close();
  await once(thief, "close");
});

test("a port that cannot be held for want of open files is told as that, and how to help it", async () => {
  using directory = temporaryDirectory();
  const open = () => openOther(directory.path);
  const limit = (soft: string) => exec("prlimit", "--pid", String(process.pid), `--nofile=${soft}:`);
  const usual = /nofile\D+(\d+)/i.exec(exec("prlimit", "--pid", String(process.pid), "--nofile", "--noheadings"))?.[1];
  assert.ok(usual !== undefined);
  {
    await using first = await open();
    await first.connect(await first.createNetwork({ name: "back" }), await first.createSandbox({ name: "web" }), {
      publish: ["8200-8399:200-399"],
    });
  }
  await using second = await (async () => {
    limit(String(readdirSync("/proc/self/fd").length + 60));
    try {
      const controller = await open();
      const [lost] = (await controller.doctor()).problems.filter(({ code }) => code === "port-lost");
      assert.match(
        lost?.title ?? "",
        /tcp port 8200-8399 of the host is published, but not held: the kernel refuses it/,
      );
      assert.match(lost?.detail ?? "", /EMFILE/);
      assert.match(lost?.advice ?? "", /LimitNOFILE/);
      const sandbox = await controller.createSandbox({ name: "more" });
      await assert.rejects(
        controller.connect(controller.network("back"), sandbox, { publish: ["8400-8599:400-599"] }),
        (error) => error instanceof PortolanError && error.code === "kernel" && /LimitNOFILE/.test(error.advice ?? ""),
      );
      return controller;
    } finally {
      limit(usual);
    }
  })();
  await second.reconcile();
  assert.equal(bind("tcp", "0.0.0.0", 8399), "Address already in use");
  assert.deepEqual(
    (await second.doctor()).problems.filter(({ code }) => code === "port-lost"),
    [],
  );
  for (const name of ["web", "more"]) await second.sandbox(name).delete();
  await second.network("back").delete();
});
