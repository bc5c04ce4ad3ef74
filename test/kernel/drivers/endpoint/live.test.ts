/**
 * Connecting and disconnecting while a sandbox runs: connections through its other networks go on, the default route moves family by family, and published ports of
 * all its endpoints are served; with the kernel's reverse path filter strict, as many distributions have it.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createController } from "../../../../src/model/controller.ts";
import type { NetworkController } from "../../../../src/model/types.ts";
import { inSubnets, makeOutside } from "../../../support/outside.ts";
import { enterTestHost, exec, run } from "../../../support/test-host.ts";
import { addressIn, inside, ownRoutes } from "./sandboxes.ts";

enterTestHost();

const outside = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;
const host = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
const families = [4, 6] as const;
const there = "/run/netns/outside";
const processes: ChildProcess[] = [];

/** Sends back what it is sent. */
const echo = `require("node:net").createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(Number(process.argv[1]), "::", () => console.log("ready"))`;
/** Sends a number, waits for it to come back, sends the next. Asked by a line, tells how far it is. */
const talk = `
  const socket = require("node:net").connect(Number(process.argv[2]), process.argv[1]);
  let number = 0;
  socket.setNoDelay(true);
  socket.on("connect", () => { console.log("ready"); socket.write("0\\n"); });
  socket.on("data", () => setTimeout(() => socket.write(++number + "\\n"), 2));
  socket.on("close", () => process.exit(1));
  socket.on("error", (error) => { console.error(error.message); process.exit(1); });
  process.stdin.on("data", () => console.log(String(number)));
`;

async function start(namespace: string, script: string, ...args: readonly string[]): Promise<ChildProcess> {
  const child = spawn("nsenter", [`--net=${namespace}`, process.execPath, "-e", script, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  processes.push(child);
  await once(child.stdout ?? assert.fail(), "data");
  return child;
}

/** How far a talker is. */
async function progress(talker: ChildProcess): Promise<number> {
  const answer = once(talker.stdout ?? assert.fail(), "data");
  talker.stdin?.write("?\n");
  return Number(String(await answer));
}

/** Waits until a talker is further than it was. */
async function goesOn(talker: ChildProcess, what: string): Promise<void> {
  const from = await progress(talker);
  for (let tries = 0; tries < 100; tries++) {
    assert.equal(talker.exitCode, null, `${what} was cut`);
    if ((await progress(talker)) > from + 1) return;
    await sleep(50);
  }
  assert.fail(`${what} stands still`);
}

const answers = (from: string, address: string, port: number): boolean => {
  try {
    const script = `exec 3<>/dev/tcp/${address}/${port} && echo hello >&3 && head -1 <&3`;
    return exec("nsenter", `--net=${from}`, "timeout", "2", "bash", "-c", script) === "hello\n";
  } catch {
    return false;
  }
};

let controller: NetworkController;
let web: string;

before(async () => {
  // Strict also in namespaces that come after.
  for (const name of ["all", "default"]) run(`sysctl -q -w net.ipv4.conf.${name}.rp_filter=1`);
  makeOutside(inSubnets(host), inSubnets(outside));
  controller = await createController({ runDir: "/run/portolan" });
  for (const name of ["a", "b"]) await controller.createNetwork({ name, enableIpv6: true });
  await controller.createNetwork({ name: "c" });
  for (const name of ["web", "neighbour"]) await controller.createSandbox({ name });
  web = controller.sandbox("web").info().namespace;
  await controller.connect(controller.network("a"), controller.sandbox("web"), { name: "web-a", publish: ["8001:7"] });
  await controller.connect(controller.network("a"), controller.sandbox("neighbour"));
  for (const name of ["all", "default", "eth0"])
    inside(controller, "web", "sysctl", "-q", "-w", `net.ipv4.conf.${name}.rp_filter=1`);
  await start(web, echo, "7");
  await start(there, echo, "7");
});

after(async () => {
  for (const child of processes) child.kill();
  for (const { id } of controller.sandboxes()) await controller.sandbox(id).delete();
  await controller.close();
  run("ip netns delete outside");
});

test("connections through one network go on while others come and go, and take the default route", async () => {
  const neighbour = controller.sandbox("neighbour").info().namespace;
  const talkers = new Map<string, ChildProcess>();
  for (const family of families) {
    const own = addressIn(controller.endpoint("web-a").info(), family);
    talkers.set(`from outside by IPv${family}`, await start(there, talk, host[family], "8001"));
    talkers.set(`to outside by IPv${family}`, await start(web, talk, outside[family], "7"));
    talkers.set(`from a neighbour by IPv${family}`, await start(neighbour, talk, own, "7"));
  }
  for (let round = 0; round < 4; round++) {
    // Every other time the newcomer wins.
    const gatewayPriority = round % 2 === 0 ? 10 : -10;
    const publish = ["8002:7"];
    const spec = { name: "web-b", gatewayPriority, publish };
    await controller.connect(controller.network("b"), controller.sandbox("web"), spec);
    for (const [what, talker] of talkers) await goesOn(talker, `${what} with the second network, round ${round},`);
    for (const family of families) {
      assert.ok(answers(there, host[family], 8001), `port of the first network by IPv${family}, round ${round}`);
      assert.ok(answers(there, host[family], 8002), `port of the second network by IPv${family}, round ${round}`);
    }
    await controller.disconnect(controller.endpoint("web-b"));
    for (const [what, talker] of talkers) await goesOn(talker, `${what} without the second network, round ${round},`);
    assert.equal(answers(there, host[4], 8002), false);
  }
  for (const [, talker] of talkers) talker.kill();
});

test("connections by the newcomer stay with it when the default route moves away from it", async () => {
  const sandbox = controller.sandbox("web");
  await controller.connect(controller.network("b"), sandbox, {
    name: "web-b",
    gatewayPriority: 5,
    publish: ["8002:7"],
  });
  const out = await start(web, talk, outside[4], "7");
  const from = await start(there, talk, host[6], "8002");
  await controller.connect(controller.network("c"), sandbox, {
    name: "web-c",
    gatewayPriority: 9,
    publish: ["8003:7"],
  });
  await goesOn(out, "the connection to outside");
  await goesOn(from, "the connection from outside");
  for (const port of [8001, 8002, 8003]) assert.ok(answers(there, host[4], port), `port ${port} of three`);
  await controller.disconnect(controller.endpoint("web-c"));
  await goesOn(out, "the connection to outside");
  await controller.disconnect(controller.endpoint("web-b"));
  for (const talker of [out, from]) talker.kill();
});

test("the default route moves to the network with the highest priority, family by family, and back", async () => {
  const sandbox = controller.sandbox("web");
  const gateway = (network: string, family: 4 | 6): string | undefined =>
    controller
      .network(network)
      .info()
      .ipam.pools.find(({ gateway }) => gateway?.includes(":") === (family === 6))?.gateway;
  const defaults = (): readonly (string | undefined)[] =>
    families.map((family) => ownRoutes(controller, "web", family).find((line) => line.startsWith("default")));
  const via = (four: string, six: string): readonly string[] => [
    `default via ${gateway(four, 4)} dev ${linkIn(four)}`,
    `default via ${gateway(six, 6)} dev ${linkIn(six)}`,
  ];
  const linkIn = (network: string): string | undefined =>
    sandbox.info().endpoints.find((one) => one.network.name === network)?.interfaceName;
  assert.deepEqual(defaults(), via("a", "a"));
  const b = await controller.connect(controller.network("b"), sandbox, { name: "web-b", gatewayPriority: 1 });
  assert.deepEqual(defaults(), via("b", "b"));
  // It has no IPv6: that family stays.
  const c = await controller.connect(controller.network("c"), sandbox, { name: "web-c", gatewayPriority: 2 });
  assert.deepEqual(defaults(), via("c", "b"));
  assert.deepEqual(sandbox.info().gateway, { ipv4: c.id, ipv6: b.id });
  await b.leave();
  assert.deepEqual(defaults(), via("c", "a"));
  // With equal priorities the name decides, whoever came first.
  await b.join(sandbox, { gatewayPriority: 2 });
  assert.deepEqual(defaults(), via("b", "b"));
  await controller.disconnect(c);
  await controller.disconnect(b);
  assert.deepEqual(defaults(), via("a", "a"));
});

test("nothing of the other ways is left when there is one again, and what somebody removes of them is mended", async () => {
  const rules = (): string =>
    `${inside(controller, "web", "ip", "rule")}${inside(controller, "web", "ip", "-6", "rule")}`;
  const plain = rules();
  await controller.connect(controller.network("b"), controller.sandbox("web"), { name: "web-b" });
  const both = rules();
  assert.notEqual(both, plain);
  assert.deepEqual((await controller.reconcile()).plan, []);
  inside(controller, "web", "ip", "rule", "delete", "priority", "11200");
  inside(controller, "web", "ip", "rule", "delete", "priority", "11201");
  assert.equal((await controller.reconcile()).plan.length, 2);
  assert.equal(rules(), both);
  await controller.disconnect(controller.endpoint("web-b"));
  assert.equal(rules(), plain);
  assert.doesNotMatch(inside(controller, "web", "ip", "route", "show", "table", "all"), /table 18/);
});

test("a neighbour of any network is reached directly, from whichever address", async () => {
  await controller.connect(controller.network("b"), controller.sandbox("web"), { name: "web-b" });
  const target = addressIn(controller.sandbox("neighbour").info().endpoints[0] ?? assert.fail(), 4);
  for (const endpoint of ["web-a", "web-b"]) {
    const from = addressIn(controller.endpoint(endpoint).info(), 4);
    assert.match(inside(controller, "web", "ip", "route", "get", target, "from", from), /dev eth0 /);
  }
  await controller.disconnect(controller.endpoint("web-b"));
});
