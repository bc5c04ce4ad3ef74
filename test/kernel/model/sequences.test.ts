/** The model against its reference on a real kernel: what is there is what is described after every command, and at the end the host is as before. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { createKernel } from "../../../src/kernel/linux.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import { Faults } from "../../support/faults.ts";
import { createFaultyKernel } from "../../support/faulty-kernel.ts";
import { sequences } from "../../support/sequences/commands.ts";
import { expected } from "../../support/sequences/memory-ground.ts";
import { type Ground, runSequence } from "../../support/sequences/run.ts";
import { enterTestHost, run } from "../../support/test-host.ts";
import { wholeState } from "../../support/whole-state.ts";

enterTestHost();
const runDir = mkdtempSync("/run/portolan-");
const faults = new Faults();
const engine = createEngine(createFaultyKernel(createKernel(), faults));
await engine.features();

const names = (line: string): readonly string[] =>
  (JSON.parse(run(line)) as readonly { readonly ifname: string }[]).map(({ ifname }) => ifname);

const folder = join(runDir, "sandboxes");

const files = (): ReadonlyMap<string, string> =>
  new Map(
    (existsSync(folder) ? readdirSync(folder) : []).flatMap((sandbox) =>
      readdirSync(join(folder, sandbox)).map((name) => {
        const path = join(folder, sandbox, name);
        return [path, readFileSync(path, "utf8")] as const;
      }),
    ),
  );

const ground: Ground = {
  engine,
  faults,
  runDir,
  files,
  damage(choice) {
    const links = [...names("ip -j link show type veth"), ...names("ip -j link show type bridge")];
    const victims = [
      ...links.flatMap((name) => [`ip link delete ${name}`, `ip link set ${name} down`]),
      ...[...files().keys()].map((path) => `rm ${path}`),
      ...(run("nft list tables").includes("portolan")
        ? [
            "nft flush table inet portolan",
            "nft flush map inet portolan published-anywhere4",
            "nft flush chain inet portolan guard",
          ]
        : []),
    ];
    const line = victims[choice % victims.length];
    if (line !== undefined) run(line);
  },
  async check(controller: NetworkController) {
    assert.deepEqual((await controller.reconcile({ dryRun: true })).plan, [], "the kernel is as described");
    const { bridges, joined } = expected(controller);
    assert.equal(names("ip -j link show type veth").length, joined, "a veth for each endpoint in a sandbox");
    assert.equal(names("ip -j link show type bridge").length, bridges, "a bridge for each network");
  },
};

test("300 random sequences of operations, faults, damage and restarts break no invariant on a real kernel", async () => {
  const before = wholeState(runDir);
  await fc.assert(
    fc.asyncProperty(sequences, async (commands) => {
      await runSequence(ground, commands);
      assert.deepEqual(wholeState(runDir), before, "nothing is left");
    }),
    { numRuns: 300 },
  );
  await engine.close();
});
