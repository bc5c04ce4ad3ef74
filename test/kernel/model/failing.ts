/** An operation that fails at each of its changes in turn. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { endpointMakers } from "../../../src/cni/maker.ts";
import { PortolanError } from "../../../src/errors.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { Engine } from "../../../src/state/engine.ts";
import type { Plan } from "../../../src/state/plan-types.ts";
import { wordsFor } from "../../../src/state/refusal.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import { Faults } from "../../support/faults.ts";
import { createFaultyKernel } from "../../support/faulty-kernel.ts";
import { faultyMakers } from "../../support/faulty-maker.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";
import { wholeState } from "../../support/whole-state.ts";
import { type Operation, prepare } from "./operations/operation.ts";
import { directories, lasting, removeAll } from "./support.ts";

/** Which changes are tried: from which on, and every how many-th. */
export interface Steps {
  readonly first?: number;
  readonly every?: number;
}

/**
 * Lets an operation fail at its first change to kernel or store, at the second, and so on, until it runs through. Each time nothing has changed and the error says what failed; where the
 * operation is one of several transactions, what its caller does next leads to where it has to.
 */
export async function failAtEachChange(
  t: TestContext,
  operation: Operation,
  { first = 1, every = 1 }: Steps = {},
): Promise<void> {
  const { stateDir, runDir } = directories(t);
  const faults = new Faults();
  const store = createFaultyStore(await openLocalStore({ stateDir }), faults);
  const tried: Plan[] = [];
  const real = createEngine(createFaultyKernel(createKernel(), faults));
  const engine: Engine = {
    ...real,
    apply: (plan) => {
      tried.push(plan);
      return real.apply(plan);
    },
  };
  const controller = await createController({
    store,
    engine,
    runDir,
    makers: faultyMakers(endpointMakers({ stateDir }), faults),
  });
  try {
    // What the kernel can do is asked once, by trying: that is no change of an operation.
    await engine.features();
    await prepare(operation, controller);
    const state = async () => {
      await controller.settle();
      const also = operation.also?.();
      return { told: told(controller), kernel: wholeState(runDir), store: lasting(await store.load()), also };
    };
    let before = await state();
    let [points, settled] = [0, 0];
    for (let at = first; ; at += every) {
      faults.arm({ at });
      tried.length = 0;
      let plan: Plan = [];
      const onPlan = (all: Plan): void => {
        plan = all;
      };
      const failure = await operation.run(controller, { onPlan }).then(
        () => undefined,
        (error: unknown) => error,
      );
      const { struck } = faults;
      faults.arm();
      if (struck === undefined) {
        assert.equal(failure, undefined, "without a fault the operation succeeds");
        break;
      }
      points++;
      if (operation.bears?.test(struck)) assert.equal(failure, undefined, `after failing at ${at}: ${struck}`);
      else checkError(failure, operation.silent ? tried.flat() : plan, struck);
      const after = await state();
      const goOn = operation.again ?? (operation.settle?.leads === "done" ? operation.settle.run : undefined);
      if (goOn !== undefined && !equal(after, before)) {
        settled++;
        await goOn(controller);
        const left = [(await store.load()).departure, operation.also?.() ?? []];
        assert.deepEqual(left, [[], []], `after failing at ${at}: ${struck}`);
        await removeAll(controller);
        await prepare(operation, controller);
        before = await state();
      } else assert.deepEqual(after, before, `after failing at ${at}: ${struck}`);
    }
    assert.ok(settled <= 1 || operation.again !== undefined, "all but the last transaction are taken back");
    t.diagnostic(`failed at ${points} changes, gone on from ${settled} of them`);
  } finally {
    faults.arm();
    await removeAll(controller);
    await controller.close();
  }
}

const equal = (a: unknown, b: unknown): boolean => {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
};

/** What the controller says there is. */
const told = (controller: NetworkController): unknown => [
  controller.networks(),
  controller.sandboxes(),
  controller.endpoints(),
];

function checkError(failure: unknown, plan: Plan, struck: string): void {
  assert.ok(failure instanceof PortolanError, `${struck}: ${String(failure)}`);
  assert.deepEqual(failure.suppressed, [], struck);
  if (/^(?:commit|flush) of/.test(struck)) {
    assert.equal(failure.code, "store", struck);
    assert.equal(failure.object, "store of the test");
    return;
  }
  if (struck.startsWith("plugin making")) {
    assert.equal(failure.code, "plugin", struck);
    return;
  }
  assert.equal(failure.code, "kernel", struck);
  const objects = plan.map(({ object }) => wordsFor(object));
  assert.ok(failure.object !== undefined && objects.includes(failure.object), `${struck}: ${failure.object}`);
}
