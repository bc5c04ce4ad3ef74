/** An operation that is killed (SIGKILL) at each of its changes in turn. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { after, type TestContext } from "node:test";
import type { NetworkController } from "../../../src/model/types.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import { Faults } from "../../support/faults.ts";
import { wholeState, withoutChance } from "../../support/whole-state.ts";
import { aftermath, deterministicController, execution, preparation } from "./deterministic.ts";
import type { Steps } from "./failing.ts";
import { damage } from "./interference.ts";
import { operations } from "./operations/index.ts";
import { type Operation, prepare } from "./operations/operation.ts";
import { type Directories, directories, lasting, removeAll } from "./support.ts";
import type { Order } from "./victim.ts";

const program = new URL("./victim.ts", import.meta.url).pathname;
const newVictim = (): ChildProcess => spawn(process.execPath, [program], { stdio: ["pipe", "ignore", "inherit"] });
/** From the first on one is always ready: its start takes longer than its work. */
let spare: ChildProcess | undefined;
after(() => spare?.kill("SIGKILL"));

/** Has the next victim do its work to its end. */
async function kill(order: Order): Promise<void> {
  const victim = spare ?? newVictim();
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
export const start: Operation = {
  name: "start",
  prepare: async (controller) => {
    await operations.find(({ name }) => name === "leave the network that has the default route")?.prepare?.(controller);
  },
  damage,
  run: async () => undefined,
};

const stateOf = (controller: NetworkController, { runDir }: Directories, { also }: Operation): unknown => ({
  kernel: withoutChance(wholeState(runDir)),
  also: also?.(),
  told: [controller.networks(), controller.sandboxes(), controller.endpoints()],
});

/** What the store holds. */
async function stored({ stateDir }: Directories): Promise<unknown> {
  const store = await openLocalStore({ stateDir, wait: 5_000 });
  const state = await store.load();
  await store.close();
  return lasting(state);
}

const equal = (a: unknown, b: unknown): boolean => {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
};

/**
 * Kills an operation before each call that changes kernel or store in turn, and once more right behind the last. The next start finds it done or not begun, or what the caller does
 * who does not know leads to where it has to; a start behind that changes nothing.
 */
export async function killAtEachChange(
  t: TestContext,
  operation: Operation,
  { first = 1, every = 1 }: Steps = {},
): Promise<void> {
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

  /** What the next engine makes of it, and who then works with it. */
  async function restarted(work?: (controller: NetworkController) => Promise<unknown>): Promise<unknown> {
    const controller = await deterministicController(where, faults, aftermath);
    await work?.(controller);
    await controller.settle();
    const state = stateOf(controller, where, operation);
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
  const places = [...faults.starts, points + 1].filter((_, at) => at + 1 >= first && (at + 1 - first) % every === 0);
  await controller.close();
  const done = await restarted();
  await cleanUp();

  let [finished, between] = [0, 0];
  for (const at of places) {
    await begin();
    await kill({ ...where, operation: operation.name, at });
    const found = await restarted();
    const isDone = equal(found, done);
    if (isDone) finished++;
    else if (operation.settle === undefined || equal(found, before))
      assert.deepEqual(found, before, `killed at change ${at} of ${points}`);
    else between++;
    if (at > points) assert.ok(isDone, "killed behind its last change, the operation is done");
    faults.arm();
    const second = await deterministicController(where, faults, aftermath);
    // Ports are held by the process, so each start holds them.
    const changes = faults.tried.filter((change) => !change.startsWith("holding of port"));
    assert.deepEqual(changes, [], `killed at change ${at} of ${points}, a second start changes something`);
    await second.close();
    if (operation.settle !== undefined) {
      const { run, leads } = operation.settle;
      assert.deepEqual(
        await restarted(run),
        leads === "done" ? done : before,
        `killed at change ${at} of ${points}, the caller's next call leads to the state ${leads}`,
      );
    }
    await cleanUp();
  }
  t.diagnostic(`${places.length} places, found done at ${finished} of them, between two transactions at ${between}`);
}
