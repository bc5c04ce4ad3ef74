/** What is printed of an operation, carried out by hand. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { TestContext } from "node:test";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createController } from "../../../src/model/controller.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { Engine } from "../../../src/state/engine.ts";
import { renderPlan } from "../../../src/state/render.ts";
import { wholeState, withoutChance } from "../../support/whole-state.ts";
import { type Operation, prepare } from "./operations/operation.ts";
import type { Replay } from "./replay.ts";
import { directories, removeAll } from "./support.ts";

const program = new URL("./replay.ts", import.meta.url).pathname;

/** The state that commands come to in a fresh host. */
const replayed = (replay: Replay): unknown =>
  JSON.parse(
    execFileSync(process.execPath, [program], {
      input: JSON.stringify(replay),
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    }),
  );

/** Runs what is printed of an operation with `ip`, `nft` and `sysctl` in a fresh host, and compares the state it comes to with the operation's. */
export async function explainByCommands(t: TestContext, operation: Operation): Promise<void> {
  const { stateDir, runDir } = directories(t);
  const printed: string[] = [];
  const engine = createEngine(createKernel());
  const printing: Engine = {
    ...engine,
    apply: async (plan) => {
      printed.push(...renderPlan(plan));
      await engine.apply(plan);
    },
  };
  const controller = await createController({ stateDir, runDir, engine: printing });
  try {
    await prepare(operation, controller);
    const before = printed.splice(0);
    const damaged =
      operation.damage === undefined
        ? undefined
        : { operation: operation.name, namespace: controller.sandbox("web").info().namespace };
    let explained: readonly string[] = [];
    const onPlan: (plan: Parameters<typeof renderPlan>[0]) => void = (plan) => {
      explained = renderPlan(plan);
    };
    await operation.run(controller, { onPlan });
    if (operation.silent) explained = [...printed];
    else assert.deepEqual(printed, explained, "what is explained is what is done");
    await controller.settle();
    const own = JSON.parse(JSON.stringify(withoutChance(wholeState(runDir))));
    const replay = { runDir, before, commands: explained, ...(damaged !== undefined && { damaged }) };
    assert.deepEqual(replayed(replay), own, explained.join("\n"));
  } finally {
    await removeAll(controller);
    await controller.close();
  }
}
