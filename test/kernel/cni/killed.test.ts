/**
 * Plugins, the daemon, and plugins without one are killed at random moments of what a runtime has them do; then comes DEL, or GC, and nothing is left. The moments follow from a seed: PORTOLAN_TEST_SEED,
 * or the time.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { randomFrom } from "../../support/random.ts";
import { enterTestHost, missing, snapshot } from "../../support/test-host.ts";
import { type Link, type Outcome, PluginScene } from "./plugin-scene.ts";

enterTestHost();
const seed = process.env["PORTOLAN_TEST_SEED"] ?? String(Date.now());
const random = randomFrom(seed);
/** Below 1. */
const chance = (): number => Buffer.from(random(4)).readUInt32LE() / 2 ** 32;

const atOnce = 8;
const network = "killed";

let scene: PluginScene;
let idle: unknown;
before(async () => {
  scene = new PluginScene(atOnce);
  await scene.portolan.startDaemon();
  idle = snapshot();
});
after(() => scene[Symbol.asyncDispose]());

/** There are as many addresses as containers: what is left of one is missed by the next. */
const chainOf = (container: string): readonly Link[] => [
  {
    type: "bridge",
    bridge: "killed0",
    isDefaultGateway: true,
    ipMasq: true,
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.73.0.0/24", rangeStart: "10.73.0.10", rangeEnd: `10.73.0.${10 + atOnce - 1}` }]],
    },
  },
  { type: "tuning", sysctl: { "net.ipv4.conf.IFNAME.log_martians": "1" }, mtu: 1400 },
  {
    type: "portmap",
    runtimeConfig: { portMappings: [{ hostPort: 7000 + Number(container.slice(1)), containerPort: 80 }] },
  },
];

/** Takes away what there may be, as a runtime does that knows nothing: by DEL of each, or by GC. */
async function clear(containers: readonly string[], by: "DEL" | "GC"): Promise<void> {
  if (by === "GC") await scene.collect(network, chainOf("c0"));
  else await Promise.all(containers.map((name) => scene.del(name, network, chainOf(name))));
}

const assertNothing = (words: string): Promise<void> => scene.assertNothing(idle, words);

/** The next ADDs work, all at once. */
async function assertNext(): Promise<void> {
  const outcomes = await Promise.all(scene.containers.map((name) => scene.add(name, network, chainOf(name))));
  assert.deepEqual(outcomes.filter(failed), []);
  await clear(scene.containers, "DEL");
}

const failed = ({ status }: Outcome): boolean => status !== 0;

/** How long a chain takes, milliseconds: as long as the moments lie in. */
async function duration(containers: readonly string[]): Promise<number> {
  const begun = performance.now();
  await Promise.all(containers.map((name) => scene.add(name, network, chainOf(name))));
  const took = performance.now() - begun;
  await clear(containers, "DEL");
  return took;
}

test("the plugin is killed at 168 moments: DEL or GC leaves nothing", async (t) => {
  t.diagnostic(`seed ${seed}`);
  let span = await duration(scene.containers);
  let [killed, moments] = [0, 0];
  for (let times = 0; killed < 168; times++) {
    const outcomes = await Promise.all(
      scene.containers.map((name) => scene.add(name, network, chainOf(name), sleep(chance() * span))),
    );
    const some = outcomes.filter(failed).length;
    moments += outcomes.length;
    killed += some;
    // Moments behind the last call's end try nothing; those in front of it are to be of all kinds.
    span *= some < atOnce * 0.6 ? 0.8 : 1.2;
    const by = times % 2 === 0 ? "DEL" : "GC";
    await clear(scene.containers, by);
    await assertNothing(`seed ${seed}, round ${times}, ${by}`);
  }
  await assertNext();
  t.diagnostic(`${moments - killed} more were done before their moment came`);
});

test("the daemon is killed at 16 moments: the next one and DEL or GC leave nothing", {
  skip: missing("cc") && "no C compiler is installed",
}, async (t) => {
  const span = await duration(scene.containers);
  let unfinished = 0;
  for (let times = 0; times < 16; times++) {
    const adding = Promise.all(scene.containers.slice(0, 4).map((name) => scene.add(name, network, chainOf(name))));
    await sleep(chance() * span * 0.7);
    await scene.portolan.killDaemon();
    await scene.portolan.startDaemon();
    unfinished += (await adding).filter(failed).length;
    const by = times % 2 === 0 ? "DEL" : "GC";
    await clear(scene.containers, by);
    await assertNothing(`seed ${seed}, round ${times}, ${by}`);
  }
  await assertNext();
  t.diagnostic(`${unfinished} of 64 calls failed with it`);
});

test("without a daemon the plugin is killed at 16 moments: DEL leaves nothing", async (t) => {
  await scene.portolan.stopDaemon();
  const two = scene.containers.slice(0, 2);
  const [link] = chainOf("c0");
  assert.ok(link);
  const begun = performance.now();
  await scene.add("c0", network, [link]);
  const span = performance.now() - begun;
  await scene.del("c0", network, [link]);
  await assertNothing("without a daemon");
  let [killed, moments] = [0, 0];
  for (let times = 0; killed < 16; times++) {
    // The first milliseconds are Node's own start.
    const outcomes = await Promise.all(
      two.map((name, at) => scene.add(name, network, [link], sleep(span * (0.4 + at * 0.6 + chance() * 0.6)))),
    );
    moments += outcomes.length;
    killed += outcomes.filter(failed).length;
    for (const name of two) await scene.del(name, network, [link]);
    await assertNothing(`seed ${seed}, round ${times}, DEL`);
  }
  t.diagnostic(`${moments - killed} more were done before their moment came`);
  assert.deepEqual(await scene.stored(), []);
});
