/**
 * Every operation of the library is killed (SIGKILL) before each call that changes kernel or store in turn, and once more right behind the last. The engine
 * that starts next finds the state as before the operation or makes it as after, and the one after that changes nothing.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { after, test } from "node:test";
import type { NetworkController } from "../../../src/model/types.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import { Faults } from "../../support/faults.ts";
import { enterTestHost, run } from "../../support/test-host.ts";
import { wholeState, withoutChance } from "../../support/whole-state.ts";
import { aftermath, deterministicController, execution, preparation } from "./deterministic.ts";
import { damage } from "./interference.ts";
import { type Operation, operations, prepare } from "./operations.ts";
import { type Directories, directories, removeAll } from "./support.ts";
import type { Order } from "./victim.ts";

enterTestHost();
run("ip netns add foreign");

const program = new URL("./victim.ts", import.meta.url).pathname;
const newVictim = (): ChildProcess => spawn(process.execPath, [program], { stdio: ["pipe", "ignore", "inherit"] });
/** One is always ready: its start takes longer than its work. */
let spare = newVictim();
after(() => spare.kill("SIGKILL"));

/** Has the next victim do its work to its end. */
async function kill(order: Order): Promise<void> {
  const victim = spare;
  assert.equal(
    victim.exitCode ?? victim.signalCode,
    null,
    "the process that waited for its work has ended without any",
  );
  const exit = once(victim, "exit");
  victim.stdin?.end(`${JSON.stringify(order)}\n`);
  const [, signal] = await exit;
  spare = newVictim();
  assert.equal(signal, "SIGKILL", `the process carrying out "${order.operation}" has failed`);
}

/** The engine's own start, which mends what was damaged. */
const start: Operation = {
  name: "start",
  prepare: async (controller) => {
    await operations.find(({ name }) => name === "leave the network that has the default route")?.prepare?.(controller);
  },
  damage,
  run: async () => undefined,
};

const stateOf = (controller: NetworkController, { runDir }: Directories): unknown => ({
  kernel: withoutChance(wholeState(runDir)),
  told: [controller.networks(), controller.sandboxes(), controller.endpoints()],
});

/** What the store holds. */
async function stored({ stateDir }: Directories): Promise<unknown> {
  const store = await openLocalStore({ stateDir, wait: 5_000 });
  const state = await store.load();
  await store.close();
  return state;
}

const equal = (a: unknown, b: unknown): boolean => {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
};

for (const operation of [...operations, start]) {
  test(`${operation.name}: killed at each change, the next start finds it done or not begun`, async (t) => {
    const where = directories(t);
    const faults = new Faults();

    /** Makes everything anew up to the operation. */
    async function begin(): Promise<void> {
      rmSync(where.stateDir, { recursive: true });
      mkdirSync(where.stateDir);
      const controller = await deterministicController(where, faults, preparation);
      await prepare(operation, controller);
      await controller.settle();
      await controller.close();
    }

    /** Opens the engine again and takes everything away. */
    async function cleanUp(): Promise<void> {
      const controller = await deterministicController(where, faults, aftermath);
      await removeAll(controller);
      await controller.close();
    }

    /** What the next engine makes of it. */
    async function restarted(): Promise<unknown> {
      const controller = await deterministicController(where, faults, aftermath);
      await controller.settle();
      const state = stateOf(controller, where);
      await controller.close();
      return { state, stored: await stored(where) };
    }

    await begin();
    const before = await restarted();
    await cleanUp();
    await begin();
    const mending = operation === start ? "always" : "interrupted";
    if (operation === start) faults.arm();
    const controller = await deterministicController(where, faults, execution, { mending });
    if (operation !== start) {
      await controller.doctor();
      faults.arm();
    }
    await operation.run(controller);
    const points = faults.count;
    const places = [...faults.starts, points + 1];
    await controller.close();
    const done = await restarted();
    await cleanUp();

    let finished = 0;
    for (const at of places) {
      await begin();
      await kill({ ...where, operation: operation.name, at });
      const found = await restarted();
      const isDone = equal(found, done);
      if (isDone) finished++;
      else assert.deepEqual(found, before, `killed at change ${at} of ${points}`);
      if (at > points) assert.ok(isDone, "killed behind its last change, the operation is done");
      faults.arm();
      const second = await deterministicController(where, faults, aftermath);
      // Ports are held by the process, so each start holds them.
      const changes = faults.tried.filter((change) => !change.startsWith("holding of port"));
      assert.deepEqual(changes, [], `killed at change ${at} of ${points}, a second start changes something`);
      await removeAll(second);
      await second.close();
    }
    t.diagnostic(`${places.length} places, found done at ${finished} of them`);
  });
}
