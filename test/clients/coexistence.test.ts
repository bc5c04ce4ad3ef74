/**
 * Firewalls of others on the same host. Each of them drops what networks send and receive; doctor names it and the way out, the way out is gone, and traffic flows.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { addressOf } from "../../src/address/cidr.ts";
import { createController } from "../../src/model/controller.ts";
import type { NetworkController, Problem } from "../../src/model/types.ts";
import { noDocker, startDockerHost } from "../support/docker/host.ts";
import { enableUfw, noFirewalld, noUfw, startFirewalld } from "../support/firewalls.ts";
import { inSubnets, makeOutside } from "../support/outside.ts";
import { type Peer, startPeer } from "../support/peers.ts";
import { enterTestHost, exec, missing, run } from "../support/test-host.ts";

enterTestHost();

const outside = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;
const host = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
const families = [4, 6] as const;

const peers: Peer[] = [];
let there: Peer;
let web: Peer | undefined;
let api: Peer | undefined;
/** Addresses of the sandbox that publishes. */
let addresses: Readonly<Record<4 | 6, string>>;
let controller: NetworkController | undefined;

before(async () => {
  makeOutside(inSubnets(host), inSubnets(outside));
  for (const family of families) {
    run(`ip -${family} route add default via ${outside[family]}`);
    run(`ip -n outside -${family} route add default via ${host[family]}`);
  }
  // The host's firewall sees what passes inside a bridge, as Docker wants it.
  for (const name of ["iptables", "ip6tables"]) exec("sysctl", "-qw", `net.bridge.bridge-nf-call-${name}=1`);
  there = startPeer("there", "/run/netns/outside");
  peers.push(there);
  await there.serve(9000);
});

/** A network with a published port, made beside what is there. */
async function open(): Promise<NetworkController> {
  controller = await createController({ runDir: "/run/portolan" });
  const front = await controller.createNetwork({ name: "front", enableIpv6: true });
  const sandbox = await controller.createSandbox({ name: "web" });
  const { ipv4, ipv6 } = (await controller.connect(front, sandbox, { publish: ["8080:80"] })).info();
  addresses = { 4: addressOf(ipv4 ?? assert.fail()), 6: addressOf(ipv6 ?? assert.fail()) };
  const other = await controller.createSandbox({ name: "api" });
  await controller.connect(front, other);
  web = startPeer("web", sandbox.info().namespace);
  api = startPeer("api", other.info().namespace);
  await web.serve(80);
  return controller;
}

afterEach(async () => {
  await web?.stop();
  await api?.stop();
  for (const { id } of controller?.sandboxes() ?? []) await controller?.sandbox(id).delete();
  await controller?.pruneNetworks();
  await controller?.close();
  controller = undefined;
  web = undefined;
  run("nft flush ruleset");
  if (missing("iptables-legacy") === false) {
    for (const table of ["filter", "nat"]) for (const word of ["-F", "-X"]) run(`iptables-legacy -t ${table} ${word}`);
    run("iptables-legacy -P FORWARD ACCEPT");
  }
});

after(async () => {
  for (const peer of peers) await peer.stop();
});

/** What works of what should: a container reaches the outside, and is reached by its published port and by one of its own network. */
async function working(): Promise<readonly string[]> {
  const tried = families.flatMap((family) => [
    there
      .ask("tcp", host[family], 8080)
      .then((answer) => (answer?.startsWith("web") ? [`published, IPv${family}`] : [])),
    web
      ?.ask("tcp", outside[family], 9000)
      .then((answer) => (answer?.startsWith("there") ? [`leaving, IPv${family}`] : [])),
    api
      ?.ask("tcp", addresses[family], 80)
      .then((answer) => (answer?.startsWith("web") ? [`inside, IPv${family}`] : [])),
  ]);
  return (await Promise.all(tried)).flatMap((one) => one ?? []).toSorted();
}
/** Where only IPv4 is dropped. */
const inIpv6 = ["inside, IPv6", "leaving, IPv6", "published, IPv6"];
const everything = [
  "inside, IPv4",
  "inside, IPv6",
  "leaving, IPv4",
  "leaving, IPv6",
  "published, IPv4",
  "published, IPv6",
];

const found = async (code: string): Promise<readonly Problem[]> =>
  ((await controller?.doctor())?.problems ?? []).filter((problem) => problem.code === code);

/** Does what a problem's advice says. */
function follow({ advice = "" }: Problem): void {
  for (const [, command = ""] of advice.matchAll(/`([^`]+)`/g)) run(command);
}

/** Doctor finds one such problem; its way out leaves none, and everything works. */
async function checkWayOut(title: RegExp, detail: RegExp): Promise<void> {
  const [problem, ...others] = await found("others-firewall");
  assert.ok(problem);
  assert.deepEqual(others, []);
  assert.match(problem.title, title);
  assert.match(problem.detail, detail);
  follow(problem);
  assert.deepEqual(await working(), everything);
  assert.deepEqual(await found("others-firewall"), []);
}

test("with nobody else on the host all is well", { skip: missing("nft") }, async () => {
  await open();
  assert.deepEqual(await working(), everything);
  assert.deepEqual((await controller?.doctor())?.problems, []);
});

for (const iptables of ["nft", "legacy"] as const) {
  test(`Docker, which sets the policy of forwarding to drop, by iptables-${iptables}`, {
    skip: noDocker(),
  }, async () => {
    run("sysctl -qw net.ipv4.ip_forward=0");
    await using _docker = await startDockerHost({ network: "shared", iptables });
    await open();
    assert.deepEqual(await working(), inIpv6);
    const legacy = iptables === "legacy" ? " of iptables-legacy" : "";
    assert.equal((await found("legacy-tables")).length, iptables === "legacy" ? 1 : 0);
    await checkWayOut(
      /^Docker's firewall drops traffic of network front$/,
      new RegExp(
        `^chain FORWARD of table ip filter${legacy} drops what containers of network front send out, and what comes to published ports of`,
      ),
    );
  });
}

test("ufw, which drops what is forwarded", { skip: noUfw() }, async () => {
  await open();
  await using _ufw = enableUfw();
  assert.deepEqual(await working(), []);
  await checkWayOut(
    /^ufw drops traffic of network front$/,
    /^chain FORWARD of table ip filter drops .*\nchain FORWARD of table ip6 filter drops /,
  );
});

test("firewalld, to which a bridge is a link of zone public", { skip: noFirewalld() }, async () => {
  await open();
  await using _firewalld = await startFirewalld();
  assert.deepEqual(await working(), ["published, IPv4", "published, IPv6"]);
  await checkWayOut(
    /^firewalld drops traffic of network front$/,
    /^chain filter_FORWARD of table inet firewalld drops what containers of/,
  );
  exec("firewall-cmd", "--reload");
  assert.deepEqual(await working(), everything, "also when its rules are loaded anew");
});

test("a chain by nft that forwards nothing", { skip: missing("nft") }, async () => {
  await open();
  exec(
    "nft",
    "table inet filter { chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; }; }",
  );
  assert.deepEqual(await working(), []);
  await checkWayOut(/^a firewall by nft drops/, /^chain forward of table inet filter drops .*: it is its policy/);
});

test("iptables with a policy of its own", { skip: missing("iptables") }, async () => {
  await open();
  run("iptables -P FORWARD DROP");
  assert.deepEqual(await working(), inIpv6);
  await checkWayOut(/^a firewall by iptables drops/, /^chain FORWARD of table ip filter drops/);
});

test("a rule that leads a published port elsewhere first", { skip: missing("nft") }, async () => {
  await open();
  await there.serve(7777);
  exec(
    "nft",
    `table ip lead { chain pre { type nat hook prerouting priority dstnat - 1; tcp dport 8080 dnat to ${outside[4]}:7777; }; chain post { type nat hook postrouting priority srcnat - 1; ip daddr ${outside[4]} masquerade; }; }`,
  );
  assert.equal(await there.ask("tcp", host[4], 8080), `there 7777 ${host[4]}`);
  const [problem] = await found("port-taken");
  assert.match(problem?.title ?? "", /lead the published port 8080:80\/tcp elsewhere/);
  assert.match(problem?.detail ?? "", /^chain pre of table ip lead /);
  run("nft delete table ip lead");
  assert.deepEqual(await found("port-taken"), []);
});

test("iptables leads a published port elsewhere", { skip: missing("iptables") }, async () => {
  await open();
  await there.serve(7778);
  run(`iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination ${outside[4]}:7778`);
  run(`iptables -t nat -A POSTROUTING -d ${outside[4]} -j MASQUERADE`);
  assert.equal(await there.ask("tcp", host[4], 8080), `there 7778 ${host[4]}`);
  assert.equal((await found("port-taken")).length, 1);
});

test("forwarding that somebody switches off", async () => {
  await open();
  run("sysctl -qw net.ipv4.ip_forward=0");
  assert.deepEqual(await working(), ["inside, IPv4", ...inIpv6]);
  const [problem] = await found("forwarding-off");
  assert.equal(problem?.severity, "error");
  run((problem.advice ?? "").split("`")[1] ?? "");
  assert.deepEqual(await working(), everything);
  assert.deepEqual(await found("forwarding-off"), []);
});
