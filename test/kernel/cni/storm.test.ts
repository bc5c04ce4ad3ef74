/** Many calls at once, by plugins as a runtime starts them: what is made and what is left is exact. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { enterTestHost, missing, snapshot } from "../../support/test-host.ts";
import { addressesIn, type Link, PluginScene } from "./plugin-scene.ts";

enterTestHost();
// The plugin is a script without a compiler, and starts a hundred times slower.
const rounds = missing("cc") ? 5 : 50;

let scene: PluginScene;
let idle: unknown;
before(async () => {
  scene = new PluginScene(50);
  await scene.portolan.startDaemon();
  idle = snapshot();
});
after(() => scene[Symbol.asyncDispose]());

const chainIn = (bridge: string, subnet: string, more: object = {}): readonly Link[] => [
  {
    type: "bridge",
    bridge,
    isDefaultGateway: true,
    ipMasq: true,
    ipam: { type: "host-local", ranges: [[{ subnet, ...more }]] },
  },
];

/** Nothing is left on the host nor in the containers. */
const assertNothing = (): Promise<void> => scene.assertNothing(idle, "something is left");

test("50 at once attach to a network that does not exist yet: each has an address of its own, and there is one bridge", async () => {
  const chain = chainIn("fifty", "10.70.0.0/24");
  const outcomes = await Promise.all(scene.containers.map((name) => scene.add(name, "fifty", chain)));
  assert.deepEqual(
    outcomes.filter(({ status }) => status !== 0),
    [],
  );
  const addresses = outcomes.flatMap(({ result }) => addressesIn(result));
  assert.equal(new Set(addresses).size, 50);
  await Promise.all(scene.containers.map((name) => scene.del(name, "fifty", chain)));
  await assertNothing();
});

test("8 at once want one of 5 addresses: 5 get one, 3 are told, and have nothing", async () => {
  const chain = chainIn("five", "10.71.0.0/24", { rangeStart: "10.71.0.10", rangeEnd: "10.71.0.14" });
  const eight = scene.containers.slice(0, 8);
  const five = ["10.71.0.10", "10.71.0.11", "10.71.0.12", "10.71.0.13", "10.71.0.14"];
  for (let times = 0; times < 3; times++) {
    const outcomes = await Promise.all(eight.map((name) => scene.add(name, "five", chain)));
    const made = outcomes.filter(({ status }) => status === 0);
    assert.deepEqual(made.flatMap(({ result }) => addressesIn(result)).toSorted(), five);
    for (const { status, result } of outcomes)
      if (status !== 0) assert.match(JSON.stringify(result), /no IP addresses/);
    await Promise.all(eight.map((name) => scene.del(name, "five", chain)));
    await assertNothing();
  }
});

test(`${20 * rounds} containers come and go, 20 at once: no address is anybody's twice, and all are free at the end`, async () => {
  // One more than there are containers at once, and each has its ports.
  const [link] = chainIn("storm", "10.72.0.0/24", { rangeStart: "10.72.0.10", rangeEnd: "10.72.0.30" });
  const twenty = scene.containers.slice(0, 20);
  const holders = new Map<string, string>();
  const given = new Set<string>();
  await Promise.all(
    twenty.map(async (name, at) => {
      const portmap: Link = {
        type: "portmap",
        runtimeConfig: { portMappings: [{ hostPort: 7000 + at, containerPort: 80 }] },
      };
      const chain = at % 4 === 0 && link !== undefined ? [link, portmap] : link === undefined ? [] : [link];
      for (let round = 0; round < rounds; round++) {
        const { status, result } = await scene.add(name, "storm", chain);
        assert.equal(status, 0, JSON.stringify(result));
        const [address = ""] = addressesIn(result);
        assert.equal(holders.get(address), undefined, `${address} is given twice`);
        holders.set(address, name);
        given.add(address);
        await sleep(round % 4);
        // It is nobody's from when DEL begins.
        holders.delete(address);
        await scene.del(name, "storm", chain);
      }
    }),
  );
  await assertNothing();
  assert.ok(given.size > 20, "addresses are given in turn");
  const all = await Promise.all(twenty.map((name) => scene.add(name, "storm", link === undefined ? [] : [link])));
  assert.equal(new Set(all.flatMap(({ result }) => addressesIn(result))).size, 20, "all addresses are free");
  await Promise.all(twenty.map((name) => scene.del(name, "storm", link === undefined ? [] : [link])));
  await assertNothing();
  await scene.portolan.stopDaemon();
  assert.deepEqual(await scene.stored(), []);
});
