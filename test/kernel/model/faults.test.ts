/** Every operation of the library fails at each of its changes to kernel and store in turn: nothing has changed, and the error says what failed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PortolanError } from "../../../src/errors.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createController } from "../../../src/model/controller.ts";
import { usualPace } from "../../../src/model/healing.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import { Faults } from "../../support/faults.ts";
import { createFaultyKernel } from "../../support/faulty-kernel.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";
import { enterTestHost, run } from "../../support/test-host.ts";
import { wholeState } from "../../support/whole-state.ts";
import { failAtEachChange } from "./failing.ts";
import { operations } from "./operations/index.ts";
import { makeForeign } from "./operations/operation.ts";
import { directories, removeAll } from "./support.ts";

enterTestHost();
makeForeign();

for (const operation of operations) {
  test(`${operation.name}: fails at each change, and nothing has changed`, (t) => failAtEachChange(t, operation));
}

test("start: fails at each change, and nothing is stored or changed", async (t) => {
  const { stateDir, runDir } = directories(t);
  const faults = new Faults();
  const start = async () => {
    const store = createFaultyStore(await openLocalStore({ stateDir }), faults);
    const engine = createEngine(createFaultyKernel(createKernel(), faults));
    return createController({ store, engine, runDir });
  };
  const state = async () => {
    const store = await openLocalStore({ stateDir });
    const stored = await store.load();
    await store.close();
    return { kernel: wholeState(runDir), store: stored };
  };
  const before = await state();
  let points = 0;
  for (;;) {
    faults.arm({ at: points + 1 });
    const started = await start().catch((error: unknown) =>
      error instanceof Error ? error : new Error(String(error)),
    );
    if (faults.struck === undefined) {
      assert.ok(!(started instanceof Error), String(started));
      await started.close();
      break;
    }
    points++;
    assert.ok(started instanceof PortolanError);
    assert.equal(started.code, "store");
    assert.deepEqual(await state(), before, `after failing at ${points}: ${faults.struck}`);
  }
  assert.equal(points, 1, "a start is one commit");
});

test("a flushed firewall: its mending fails at each change, and the next try mends it", async (t) => {
  // Plugins of others leave tables, which nobody would bring back.
  run("nft flush ruleset");
  const faults = new Faults();
  const engine = createEngine(createFaultyKernel(createKernel(), faults));
  const healing = { ...usualPace, settling: 0, patience: 10_000, firstPause: 1, longestPause: 1 };
  const controller = await createController({ ...directories(t), engine, healing });
  const heals = controller.events()[Symbol.asyncIterator]();
  const healed = async (): Promise<void> => {
    while ((await heals.next()).value?.action !== "heal");
  };
  try {
    await engine.features();
    const network = await controller.createNetwork({ name: "front", enableIpv6: true });
    const publish = ["8080:80", "5354:53/udp", "7000-7099:7000-7099"];
    await controller.connect(network, await controller.createSandbox({ name: "web" }), { publish });
    const whole = wholeState("/run");
    let points = 0;
    for (;;) {
      faults.arm({ at: points + 1 });
      run("nft flush ruleset");
      await healed();
      const { struck } = faults;
      faults.arm();
      assert.deepEqual(wholeState("/run").host, whole.host, `after failing at ${points}: ${struck}`);
      assert.deepEqual(
        (await controller.doctor()).problems.filter(({ code }) => code === "not-healed"),
        [],
      );
      if (struck === undefined) break;
      points++;
    }
    assert.ok(points > 10);
    t.diagnostic(`${points} changes`);
  } finally {
    faults.arm();
    await removeAll(controller);
    await controller.close();
  }
});
