/** Names in sandboxes, as their processes see them: by the C library with the sandbox's files, over the engine's resolver. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inSurroundings, surroundingsOf } from "../../../src/lab/surroundings.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController, Sandbox, SandboxSpec } from "../../../src/model/types.ts";
import { parseConfiguration } from "../../../src/naming/host-configuration.ts";
import { enterTestHost, exec, run, snapshot } from "../../support/test-host.ts";

enterTestHost();

const empty = snapshot();
const stateDir = "/run/state";
/** What the host's resolv.conf says, as far as the engine is told. */
let hostText = "nameserver 192.0.2.53\nsearch example.test\n";
const open = (): Promise<NetworkController> =>
  createController({
    stateDir,
    runDir: "/run/portolan",
    hostConfiguration: () => parseConfiguration(hostText),
  });
let controller: NetworkController;

/** What a process in a sandbox answers. */
function inside(sandbox: Sandbox, ...command: readonly string[]): string {
  const [program = "", ...words] = command;
  return inSurroundings(surroundingsOf(sandbox.info(), undefined), () => {
    const { stdout } = spawnSync(program, words, { encoding: "utf8", timeout: 8000 });
    return stdout.trim();
  });
}

/** The addresses that a name has in a sandbox, in order of text. */
const addressesOf = (sandbox: Sandbox, name: string, family: "ahostsv4" | "ahostsv6" = "ahostsv4"): readonly string[] =>
  [
    ...new Set(
      inside(sandbox, "getent", family, name)
        .split("\n")
        .map((line) => line.split(/\s+/)[0] ?? ""),
    ),
  ]
    .filter((text) => text !== "")
    .toSorted();

async function sandboxIn(
  name: string,
  networks: readonly string[],
  spec: Partial<SandboxSpec> = {},
  aliases: readonly string[] = [],
) {
  const sandbox = await controller.createSandbox({ name, ...spec });
  for (const network of networks) await controller.connect(controller.network(network), sandbox, { aliases });
  return sandbox;
}

afterEach(async () => {
  for (const { id } of controller.sandboxes()) await controller.sandbox(id).delete();
});

before(async () => {
  controller = await open();
  for (const [name, third, internal] of [
    ["front", 1, false],
    ["back", 2, true],
  ] as const) {
    const pools = [{ subnet: `10.9.${third}.0/24` }, { subnet: `fd00:9:${third}::/64` }];
    await controller.createNetwork({ name, enableIpv6: true, internal, ipam: { pools } });
  }
});

after(async () => {
  for (const { id } of controller.sandboxes()) await controller.sandbox(id).delete();
  await controller.pruneNetworks();
  await controller.close();
  assert.deepEqual(snapshot(), empty, "nothing is left");
});

test("a name, an alias, a short id and the network's full name lead to a sandbox, and its address back to its name", async () => {
  const web = await sandboxIn("web", ["front"], {}, ["www"]);
  const api = await sandboxIn("api", ["front"]);
  const [endpoint] = web.info().endpoints;
  const ipv4 = endpoint?.ipv4?.split("/")[0] ?? "";
  for (const name of ["web", "www", "WEB", web.id.slice(0, 12), "web.front"])
    assert.deepEqual(addressesOf(api, name), [ipv4], name);
  assert.deepEqual(addressesOf(api, "web", "ahostsv6"), [endpoint?.ipv6?.split("/")[0]]);
  assert.match(inside(api, "getent", "hosts", ipv4), /web\.front/);
  assert.deepEqual(
    api
      .names()
      .filter(({ sandbox }) => sandbox === "web")
      .map(({ name, network }) => `${name} ${network}`)
      .toSorted(),
    ["web front", `${web.id.slice(0, 12)} front`, "www front"].toSorted(),
  );
  const { counters, queries } = await api.queries();
  assert.ok((counters?.known ?? 0) >= 5);
  assert.ok(queries.some(({ name, code, from }) => name === "www" && code === "NOERROR" && from === "records"));
  await web.delete();
  assert.deepEqual(addressesOf(api, "web"), [], "gone with its sandbox");
  await api.delete();
});

test("who is in two networks is found in each, and those of other networks are not", async () => {
  const web = await sandboxIn("web", ["front"]);
  const api = await sandboxIn("api", ["front", "back"]);
  const db = await sandboxIn("db", ["back"]);
  const [front, back] = api.info().endpoints.map(({ ipv4 }) => ipv4?.split("/")[0]);
  assert.deepEqual(addressesOf(db, "api"), [back]);
  assert.deepEqual(addressesOf(web, "api"), [front]);
  assert.deepEqual(addressesOf(db, "web"), []);
  assert.equal(addressesOf(api, "db").length, 1);
  const [endpoint] = controller.endpoints({ sandbox: ["db"] });
  await controller.disconnect(controller.endpoint(endpoint?.id ?? ""));
  assert.deepEqual(addressesOf(api, "db"), []);
  await controller.connect(controller.network("front"), db);
  assert.equal(addressesOf(web, "db").length, 1, "live");
  for (const one of [web, api, db]) await one.delete();
});

test("links and extra hosts are known to one sandbox alone, and its files say what it was told", async () => {
  const web = await sandboxIn("web", ["front"]);
  const api = await sandboxIn("api", ["front"], {
    hostname: "a1",
    domainname: "shop.test",
    links: ["web:store"],
    extraHosts: ["legacy:192.0.2.7", "host.test:host-gateway"],
    searchDomains: ["shop.test"],
    resolverOptions: ["timeout:1"],
  });
  assert.deepEqual(addressesOf(api, "store"), [web.info().endpoints[0]?.ipv4?.split("/")[0]]);
  assert.deepEqual(addressesOf(web, "store"), []);
  assert.deepEqual(addressesOf(api, "host.test"), ["10.9.1.1"]);
  const { files } = api.info();
  const own = api.info().endpoints[0];
  const addresses = [own?.ipv4, own?.ipv6].map((one) => one?.split("/")[0]);
  assert.equal(
    readFileSync(files?.hosts ?? "", "utf8"),
    [
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::\tip6-localnet",
      "ff00::\tip6-mcastprefix",
      "ff02::1\tip6-allnodes",
      "ff02::2\tip6-allrouters",
      "192.0.2.7\tlegacy",
      "10.9.1.1\thost.test",
      ...addresses.map((address) => `${address}\ta1.shop.test a1 api`),
      "# end of Portolan's part: what stands below is yours",
      "",
    ].join("\n"),
  );
  assert.deepEqual(
    readFileSync(files?.resolvConf ?? "", "utf8")
      .split("\n")
      .slice(1),
    ["nameserver 127.0.0.11", "search shop.test", "options timeout:1 ndots:0", "# asks, of others: 192.0.2.53", ""],
  );
  assert.equal(readFileSync(files?.hostname ?? "", "utf8"), "a1\n");
  for (const one of [web, api]) await one.delete();
});

test("whatever stands in a sandbox's files, the rest is mended", async () => {
  const web = await sandboxIn("web", ["front"]);
  const { hosts = "" } = web.info().files ?? {};
  run(`truncate -s 3G ${hosts}`);
  await controller.reconcile();
  assert.match(readFileSync(hosts, "utf8"), /\tweb\n/);
});

test("files are written in place, what people add to hosts stays, and a resolv.conf that they changed is theirs", async () => {
  const web = await sandboxIn("web", ["front"]);
  const { hosts = "", resolvConf = "" } = web.info().files ?? {};
  writeFileSync(hosts, `${readFileSync(hosts, "utf8")}192.0.2.99 mine\n`);
  writeFileSync("/run/bound", "");
  run(`mount --bind ${hosts} /run/bound`);
  writeFileSync(resolvConf, "nameserver 192.0.2.1\n");
  await controller.connect(controller.network("back"), web);
  assert.match(readFileSync("/run/bound", "utf8"), /10\.9\.2\.\d+\tweb\n.*192\.0\.2\.99 mine\n$/s);
  assert.equal(readFileSync(resolvConf, "utf8"), "nameserver 192.0.2.1\n");
  assert.deepEqual((await controller.reconcile()).plan, []);
  run("umount /run/bound");
  run("rm /run/bound");
  await web.delete();
});

test("a plain namespace has its files where ip netns exec looks for them, and files that are there already stay", async () => {
  run("ip netns add plain");
  mkdirSync("/etc/netns/plain", { recursive: true });
  writeFileSync("/etc/netns/plain/hosts", "192.0.2.8 theirs\n");
  const sandbox = await controller.createSandbox({ name: "plain", netns: "/run/netns/plain" });
  await controller.connect(controller.network("front"), sandbox);
  assert.equal(readFileSync("/etc/netns/plain/hosts", "utf8"), "192.0.2.8 theirs\n");
  assert.match(readFileSync("/etc/netns/plain/resolv.conf", "utf8"), /^nameserver 127\.0\.0\.11$/m);
  await sandbox.delete();
  assert.equal(readFileSync("/etc/netns/plain/hosts", "utf8"), "192.0.2.8 theirs\n");
  assert.equal(existsSync("/etc/netns/plain/resolv.conf"), false);
  run("ip netns delete plain");
});

test("the host's resolv.conf is followed", async () => {
  const web = await sandboxIn("web", ["front"]);
  const { resolvConf = "" } = web.info().files ?? {};
  assert.match(readFileSync(resolvConf, "utf8"), /192\.0\.2\.53/);
  hostText = "nameserver 192.0.2.54\n";
  // The engine looks at the file's time alone before it asks.
  mkdirSync("/run/etc", { recursive: true });
  writeFileSync("/run/etc/resolv.conf", hostText);
  run("mount --bind /run/etc/resolv.conf /etc/resolv.conf");
  try {
    for (let tries = 0; tries < 100 && !readFileSync(resolvConf, "utf8").includes("192.0.2.54"); tries++)
      await sleep(30);
    assert.match(readFileSync(resolvConf, "utf8"), /192\.0\.2\.54/);
  } finally {
    run("umount /etc/resolv.conf");
    run("rm -r /run/etc");
  }
  await web.delete();
});

test("after a restart names answer again", async () => {
  await sandboxIn("web", ["front"]);
  await sandboxIn("api", ["front"]);
  await controller.close();
  controller = await open();
  const api = controller.sandbox("api");
  assert.equal(addressesOf(api, "web").length, 1);
  assert.deepEqual(
    (await controller.doctor()).problems.filter(({ code }) => code === "names-not-served"),
    [],
  );
});

test("in a namespace that a start has to make anew names answer once it has", async () => {
  await sandboxIn("web", ["front"]);
  const { namespace } = (await sandboxIn("api", ["front"])).info();
  await controller.close();
  run(`umount -l ${namespace}`);
  controller = await open();
  assert.deepEqual(
    (await controller.doctor()).problems.filter(({ code }) => code === "names-not-served"),
    [],
  );
  assert.equal(addressesOf(controller.sandbox("api"), "web").length, 1);
});

test("a sandbox in which somebody has port 53 of 127.0.0.11 has its names all the same", async () => {
  run("ip netns add theirs");
  exec("nsenter", "--net=/run/netns/theirs", "ip", "link", "set", "lo", "up");
  const server = spawn("nsenter", [
    "--net=/run/netns/theirs",
    "perl",
    "-MIO::Socket",
    "-e",
    'my $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.11", LocalPort => 53) or die; $| = 1; print "ready"; sleep 60;',
  ]);
  await new Promise((resolve) => server.stdout.once("data", resolve));
  const sandbox = await controller.createSandbox({ name: "theirs", netns: "/run/netns/theirs" });
  await controller.connect(controller.network("front"), sandbox);
  // Queries are led to a port of the resolver's own.
  assert.deepEqual(addressesOf(sandbox, "theirs"), [sandbox.info().endpoints[0]?.ipv4?.split("/")[0]]);
  assert.deepEqual(
    (await controller.doctor()).problems.filter(({ code }) => code === "names-not-served"),
    [],
  );
  server.kill("SIGKILL");
  await sandbox.delete();
  assert.deepEqual(
    (await controller.doctor()).problems.filter(({ code }) => code === "names-not-served"),
    [],
  );
  run("ip netns delete theirs");
});
