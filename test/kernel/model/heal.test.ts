/** The firewall comes back by itself, whoever took it away; connections that run meanwhile go on; and nobody is fought. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { addressOf } from "../../../src/address/cidr.ts";
import { usualPace } from "../../../src/model/healing.ts";
import type { ControllerEvent, NetworkController } from "../../../src/model/types.ts";
import { makeOutside } from "../../support/outside.ts";
import { enterTestHost, exec, missing, run } from "../../support/test-host.ts";
import { startCallers, startEcho } from "../../support/traffic.ts";
import { controllerFor, directories } from "./support.ts";

enterTestHost();
makeOutside(["192.0.2.1/24"], ["192.0.2.2/24"]);
run("ip link set out0 address 02:00:00:00:00:f1");
const outside = "/run/netns/outside";

/** What it may take, milliseconds. */
const bar = 1000;
const options = { skip: missing("nft") };

const ruleset = (): string => run("nft list table inet portolan");

/** Healing events as they come. */
class Heals {
  readonly all: ControllerEvent[] = [];
  #wake: (() => void) | undefined;

  constructor(t: TestContext, controller: NetworkController) {
    const end = new AbortController();
    t.after(() => end.abort());
    void this.#listen(controller, end.signal);
  }

  async #listen(controller: NetworkController, signal: AbortSignal): Promise<void> {
    for await (const event of controller.events({ signal })) {
      if (event.action !== "heal") continue;
      this.all.push(event);
      this.#wake?.();
    }
  }

  /** The event of that number, or a failure where it does not come in time. */
  async number(wanted: number, within = bar): Promise<ControllerEvent> {
    const end = performance.now() + within;
    for (;;) {
      const event = this.all[wanted - 1];
      if (event !== undefined) return event;
      const left = end - performance.now();
      assert.ok(left > 0, `nothing was mended within ${within} ms`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await Promise.race([promise, sleep(left)]);
    }
  }
}

/** A network with a sandbox that publishes a port, and one beside it. */
async function scene(t: TestContext): Promise<NetworkController> {
  const controller = await controllerFor(t, directories(t));
  const network = await controller.createNetwork({ name: "front", enableIpv6: true });
  for (const [name, publish] of [
    ["web", ["8080:80"]],
    ["api", []],
  ] as const) {
    await controller.connect(network, await controller.createSandbox({ name }), { publish });
  }
  return controller;
}

test(
  "a flushed ruleset is back within a second, with an event that says what was lost and who did it",
  options,
  async (t) => {
    const controller = await scene(t);
    const heals = new Heals(t, controller);
    const whole = ruleset();
    const flushes = ["nft flush ruleset", "nft delete table inet portolan", "nft flush table inet portolan"];
    for (const [at, flush] of flushes.entries()) {
      const began = performance.now();
      run(flush);
      const { type, attributes } = await heals.number(at + 1);
      t.diagnostic(`${flush}: mended after ${Math.round(performance.now() - began)} ms`);
      assert.equal(ruleset(), whole);
      assert.equal(type, "engine");
      assert.equal(attributes["by"], "nft");
      assert.match(attributes["pid"] ?? "", /^\d+$/);
      assert.ok(Number(attributes["changes"]) > 10);
      assert.match(attributes["found"] ?? "", /^missing: nft .*; and \d+ more$/);
    }
    assert.deepEqual((await controller.reconcile()).plan, []);
  },
);

test("connections through published ports and between containers survive a flush", options, async (t) => {
  const controller = await scene(t);
  const heals = new Heals(t, controller);
  const { namespace, endpoints } = controller.sandbox("web").info();
  const [endpoint] = endpoints;
  const [inside, inside6] = [addressOf(endpoint?.ipv4 ?? assert.fail()), addressOf(endpoint?.ipv6 ?? assert.fail())];
  await using _server = await startEcho(namespace, 80);
  const api = controller.sandbox("api").info().namespace;
  const rate = { count: 50, interval: 5 };
  await using published = await startCallers(outside, { address: "192.0.2.1", port: 8080 }, rate);
  await using neighbours = await startCallers(api, { address: inside, port: 80 }, rate);
  await using neighbours6 = await startCallers(api, { address: inside6, port: 80 }, rate);
  await using hairpin = await startCallers(api, { address: "192.0.2.1", port: 8080 }, rate);
  for (let times = 1; times <= 4; times++) {
    run("nft flush ruleset");
    await heals.number(times);
    await sleep(100);
  }
  await sleep(500);
  for (const [name, callers] of Object.entries({ published, neighbours, neighbours6, hairpin })) {
    const { sound, broken, fewest } = await callers.flow();
    assert.deepEqual({ sound, broken }, { sound: rate.count, broken: [] }, name);
    assert.ok(fewest > 0, `data flows on each of the connections: ${name}`);
  }
  await using later = await startCallers(outside, { address: "192.0.2.1", port: 8080 }, { count: 5, interval: 5 });
  await later.report();
});

test("what others have, and what the administrator writes into his chain, is not mended", options, async (t) => {
  const controller = await scene(t);
  const heals = new Heals(t, controller);
  exec("nft", "add rule inet portolan portolan-user ip saddr 192.0.2.7 drop");
  exec("nft", "table inet foreign { chain c { type filter hook forward priority 5; ip saddr 192.0.2.1 drop; }; }");
  await assert.rejects(heals.number(1, 300), /nothing was mended/);
  assert.match(run("nft list ruleset"), /192\.0\.2\.7.*table inet foreign/s);
  run("nft delete table inet foreign");
  exec("nft", "flush chain inet portolan portolan-user");
});

test(
  "rules of the administrator that were lost with it are told, and those that came back or that he took himself are not",
  options,
  async (t) => {
    const controller = await scene(t);
    const heals = new Heals(t, controller);
    const userRule = (port: number): string => `add rule inet portolan portolan-user tcp dport ${port} drop`;
    const lost = async (number: number): Promise<string | undefined> => (await heals.number(number)).attributes["lost"];
    exec("nft", `${userRule(1)}; ${userRule(2)}`);
    run("nft flush ruleset");
    assert.equal(await lost(1), "2 rules of chain portolan-user");
    run("nft delete table inet portolan");
    assert.equal(await lost(2), undefined, "there were none");
    exec("nft", userRule(3));
    exec("nft", `flush table inet portolan; ${userRule(3)}`);
    assert.equal(await lost(3), undefined, "it came back at once");
    assert.match(ruleset(), /dport 3 drop/);
    exec("nft", "flush chain inet portolan portolan-user");
    exec("nft", userRule(4));
    run("nft flush table inet portolan");
    assert.equal(await lost(4), "1 rule of chain portolan-user");
    exec("nft", userRule(5));
    exec("nft", "flush chain inet portolan portolan-user");
    await assert.rejects(heals.number(5, 300), /nothing was mended/, "that is his to do");
  },
);

test("who changes it again and again is met with pauses, and doctor says so", options, async (t) => {
  const controller = await scene(t);
  const heals = new Heals(t, controller);
  const whole = ruleset();
  for (let times = 1; times <= 5; times++) {
    run("nft flush ruleset");
    await heals.number(times);
  }
  const codes = async () => (await controller.doctor()).problems.map(({ code }) => code);
  assert.deepEqual(await codes(), ["firewall-contested"]);
  run("nft flush ruleset");
  await assert.rejects(heals.number(6, 500), /nothing was mended/, "the next time there is a pause");
  assert.ok((await codes()).includes("drift"));
  await heals.number(6);
  assert.equal(ruleset(), whole);
});

test("what stands in the way is named, and once it is gone all is mended", options, async (t) => {
  const controller = await scene(t);
  const heals = new Heals(t, controller);
  const whole = ruleset();
  exec("nft", "flush ruleset; table inet portolan { chain mine { type filter hook forward priority 9; }; }");
  await sleep(300);
  const [problem] = (await controller.doctor()).problems;
  assert.equal(problem?.code, "not-healed");
  assert.match(problem.detail, /nft table inet portolan/);
  assert.match(ruleset(), /chain mine/, "it is somebody else's");
  run("nft delete table inet portolan");
  await heals.number(1, 2500);
  assert.equal(ruleset(), whole);
  assert.deepEqual((await controller.doctor()).problems, []);
});

test(
  "operations go on while the ruleset is flushed again and again, none fails, and what they make is whole",
  options,
  async (t) => {
    const healing = { ...usualPace, patience: 1000 };
    const controller = await controllerFor(t, { ...directories(t), healing });
    const heals = new Heals(t, controller);
    await controller.createNetwork({ name: "front" });
    let going = true;
    let count = 0;
    const workers = Array.from({ length: 6 }, async (_, worker) => {
      const sandbox = await controller.createSandbox({ name: `sandbox${worker}` });
      while (going) {
        const network = await controller.createNetwork({ name: `network${worker}` });
        const own = await controller.connect(network, sandbox, { publish: [`${9000 + worker}:80`] });
        const other = await controller.connect(controller.network("front"), sandbox);
        await controller.disconnect(other);
        await controller.disconnect(own);
        await network.delete();
        count++;
      }
    });
    for (let times = 1; times <= 12; times++) {
      run("nft flush ruleset");
      await heals.number(times, 3000);
      // However slow the machine: nobody is flushed away again and again.
      for (const done = count; count < done + workers.length; ) await sleep(20);
    }
    going = false;
    await Promise.all(workers);
    t.diagnostic(`${count} rounds of operations, ${heals.all.length} times mended`);
    assert.deepEqual((await controller.reconcile()).plan, []);
  },
);
