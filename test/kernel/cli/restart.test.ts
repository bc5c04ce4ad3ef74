/**
 * The daemon ends in every way there is, and begins again, while 1,000 connections run through published ports, between containers and out by masquerade: none
 * of them notices.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { addressOf } from "../../../src/address/cidr.ts";
import { connectClient } from "../../../src/api/client.ts";
import { isPortolanError } from "../../../src/errors.ts";
import type { EndpointInfo, SandboxInfo } from "../../../src/model/types.ts";
import { inSubnets, makeOutside } from "../../support/outside.ts";
import { enterTestHost, exec, missing, temporaryDirectory } from "../../support/test-host.ts";
import { type Callers, startCallers, startEcho } from "../../support/traffic.ts";
import { Portolan } from "./portolan.ts";

enterTestHost();
const skip = missing("nft");

/** Connections of each way; four of them. */
const count = 250;
/** How often each sends something, milliseconds. */
const interval = 500;

const directory = temporaryDirectory();
const portolan = new Portolan({ runDir: "/run/restart", stateDir: join(directory.path, "state") });
const running: AsyncDisposable[] = [];
const callers: Record<string, Callers> = {};

const outside = "/run/netns/outside";
const there = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;
const host = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;

before(async () => {
  if (skip) return;
  makeOutside(inSubnets(host), inSubnets(there));
  await portolan.startDaemon();
  portolan.ok("network", "create", "--ipv6", "front");
  portolan.ok("sandbox", "create", "web");
  portolan.ok("sandbox", "create", "api");
  portolan.ok("network", "connect", "--publish", "8080:80", "front", "web");
  portolan.ok("network", "connect", "front", "api");
  const web = inspect("web");
  const api = inspect("api");
  const [endpoint]: readonly EndpointInfo[] = web.endpoints;
  const inside = addressOf(endpoint?.ipv6 ?? assert.fail());
  running.push(await startEcho(web.namespace, 80), await startEcho(outside, 9000));
  for (const [name, from, address, port] of [
    ["published, IPv4", outside, host[4], 8080],
    ["published, IPv6", outside, host[6], 8080],
    ["between containers", api.namespace, inside, 80],
    ["out by masquerade", api.namespace, there[4], 9000],
  ] as const) {
    callers[name] = await startCallers(from, { address, port }, { count, interval });
    running.push(callers[name]);
  }
});

after(async () => {
  for (const one of running.toReversed()) await one[Symbol.asyncDispose]();
  await portolan[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const inspect = (name: string): SandboxInfo => {
  const [found] = portolan.json<readonly SandboxInfo[]>("sandbox", "inspect", name);
  return found ?? assert.fail();
};

/** All connections are sound, and something comes back on each of them. */
async function check(): Promise<void> {
  const reports = await Promise.all(
    Object.entries(callers).map(async ([name, one]) => [name, await one.flow()] as const),
  );
  for (const [name, { sound, broken, fewest }] of reports) {
    assert.deepEqual({ sound, broken }, { sound: count, broken: [] }, name);
    assert.ok(fewest > 0, `nothing came back on one of the connections: ${name}`);
  }
}

/** New connections go the same ways. */
async function checkNew(): Promise<void> {
  for (const address of [host[4], host[6]]) {
    await using _callers = await startCallers(outside, { address, port: 8080 }, { count: 1, interval });
  }
}

test("killed, it is missed by nobody; begun again, it finds everything as described", { skip }, async () => {
  await check();
  for (let times = 0; times < 3; times++) {
    await portolan.killDaemon();
    await check();
    await checkNew();
    await portolan.startDaemon();
    assert.deepEqual(portolan.ok("reconcile").trim(), "all is as described");
    await check();
  }
});

/** Makes and removes a sandbox with a published port, over and over, until the daemon is gone. */
async function busy(name: string): Promise<void> {
  await using client = await connectClient(join(portolan.runDir, "portolan.sock"));
  try {
    for (;;) {
      await client.createSandbox({ name });
      await client.connect("front", name, { publish: ["0:1"] });
      await client.deleteSandbox(name);
    }
  } catch (error) {
    if (!isPortolanError(error, "unavailable")) throw error;
  }
}

test("killed in the middle of operations, it takes nothing along", { skip }, async () => {
  for (let times = 0; times < 3; times++) {
    const clients = Array.from({ length: 4 }, (_, number) => busy(`busy${number}`));
    await sleep(1000);
    await portolan.killDaemon();
    await Promise.all(clients);
    await portolan.startDaemon();
    await check();
    for (const id of portolan.ok("sandbox", "ls", "--quiet", "--filter", "name=busy").split("\n")) {
      if (id !== "") portolan.ok("sandbox", "rm", id);
    }
    assert.deepEqual(portolan.ok("reconcile").trim(), "all is as described");
  }
  await checkNew();
});

test("stopped, it leaves everything; begun again, all is as it was", { skip }, async () => {
  assert.equal(await portolan.stopDaemon(), 0);
  await check();
  await checkNew();
  await portolan.startDaemon();
  assert.deepEqual(portolan.ok("reconcile").trim(), "all is as described");
  await check();
});

test("another version, which wants other rules, puts them in place of the former ones", { skip }, async () => {
  const now = exec("nft", "list", "table", "inet", "portolan");
  assert.equal(await portolan.stopDaemon(), 0);
  for (const chain of ["forward", "published", "prerouting", "postrouting"]) {
    exec("nft", `add rule inet portolan ${chain} counter comment "portolan 5 of an earlier version"`);
    const rules = exec("nft", "-a", "list", "chain", "inet", "portolan", chain);
    const handle = /comment "portolan 20 [^\n]* # handle (\d+)/.exec(rules)?.[1];
    if (handle !== undefined) exec("nft", "delete", "rule", "inet", "portolan", chain, "handle", handle);
  }
  await portolan.startDaemon();
  assert.equal(exec("nft", "list", "table", "inet", "portolan"), now);
  await check();
  await checkNew();
});
