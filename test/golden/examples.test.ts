/** What `up` and `down` of each example do to a host, as commands. */
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { parseIp } from "../../src/address/ip.ts";
import { differences, subjectOf } from "../../src/lab/differences.ts";
import { readTopology } from "../../src/lab/read-topology.ts";
import { takeSteps } from "../../src/lab/steps.ts";
import { createController } from "../../src/model/controller.ts";
import type { Engine } from "../../src/state/engine.ts";
import { renderPlan } from "../../src/state/render.ts";
import { openLocalStore } from "../../src/store/local.ts";
import { createMemoryEngine } from "../support/memory-engine.ts";
import { clockFrom, randomFrom } from "../support/random.ts";
import { assertGolden, type Section } from "./golden.ts";

const examples = join(import.meta.dirname, "..", "..", "examples");

for (const file of globSync("*.yaml", { cwd: examples }).toSorted()) {
  const name = basename(file, ".yaml");
  test(`the example ${name}`, async () => {
    const memory = createMemoryEngine();
    const sections: [string, string[]][] = [["start", []]];
    const engine: Engine = {
      ...memory,
      apply: async (plan) => {
        sections.at(-1)?.[1].push(...renderPlan(plan));
        await memory.apply(plan);
      },
    };
    const store = await openLocalStore({ stateDir: undefined });
    const controller = await createController({
      hostConfiguration: () => ({ nameservers: [parseIp("192.0.2.53")], search: [], options: [] }),
      store,
      engine,
      random: randomFrom(name),
      now: clockFrom(1_000_000_000),
    });
    const topology = readTopology(join(examples, file));
    const steps = differences(topology, { networks: [], sandboxes: [], processes: [] });
    const client = {
      networks: async (filters = {}) => controller.networks(filters),
      sandboxes: async (filters = {}) => controller.sandboxes(filters),
      createNetwork: async (spec: Parameters<typeof controller.createNetwork>[0]) =>
        (await controller.createNetwork(spec)).info(),
      deleteNetwork: (reference: string) => controller.network(reference).delete(),
      createSandbox: async (spec: Parameters<typeof controller.createSandbox>[0]) =>
        (await controller.createSandbox(spec)).info(),
      deleteSandbox: (reference: string) => controller.sandbox(reference).delete(),
      connect: async (network: string, sandbox: string, spec: Parameters<typeof controller.connect>[2]) =>
        (await controller.connect(controller.network(network), controller.sandbox(sandbox), spec)).info(),
      disconnect: (endpoint: string) => controller.disconnect(controller.endpoint(endpoint)),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const context = {
      topology: topology.name,
      client,
      logs: "/nowhere",
      surroundingsOf: () => ({ namespace: "/nowhere" }),
      remember: () => undefined,
      onStep: (step: (typeof steps)[number]) => void sections.push([`${step.step} ${subjectOf(step)}`, []]),
    };
    await takeSteps(
      steps.filter(({ step }) => step !== "start"),
      [],
      context,
      async () => undefined,
    );
    for (const { name: sandbox } of topology.sandboxes) {
      sections.push([`delete-sandbox ${sandbox}`, []]);
      await controller.sandbox(sandbox).delete();
    }
    for (const { name: network } of topology.networks) {
      sections.push([`delete-network ${network}`, []]);
      await controller.network(network).delete();
    }
    await controller.close();
    assertGolden(
      `example-${name}`,
      sections.map(([heading, lines]): Section => [heading, lines.length > 0 ? lines : ["# nothing"]]),
    );
    assert.deepEqual(memory.objects(), []);
  });
}
