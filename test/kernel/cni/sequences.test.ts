/** Random calls of CNI's plugins for two containers, with failures and restarts: what is there is what is described after every call, and at the end the host is as before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import { Faults } from "../../support/faults.ts";
import { createFaultyKernel } from "../../support/faulty-kernel.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";
import { enterTestHost, run } from "../../support/test-host.ts";
import { wholeState } from "../../support/whole-state.ts";
import { type Container, call, type Link, type Place } from "../model/operations/attachments/calls.ts";
import { bandwidth, bridge, otherBridge, portmap, portolan, tuning } from "../model/operations/attachments/plugins.ts";
import { directories } from "../model/support.ts";

enterTestHost();
const containers = ["c1", "c2"].map((id): Container => ({ id, namespace: `/run/netns/${id}` }));
for (const { id } of containers) run(`ip netns add ${id}`);

const faults = new Faults();
const engine = createEngine(createFaultyKernel(createKernel(), faults));
await engine.features();
const counted = { calls: 0, failures: 0 };

/** A port of the host's for each container. */
const published = (link: Link, place: number): Link => ({
  ...link,
  runtimeConfig: { portMappings: [{ hostPort: 8080 + place, containerPort: 80, protocol: "tcp" }] },
});

/** The chain of each network that a container may be in. */
const chains = (place: number): readonly (readonly [Link, ...Link[]])[] => [
  [bridge, published(portmap, place)],
  [otherBridge, bandwidth],
  [published({ ...portolan, runtimeConfig: undefined }, 10 + place), tuning],
];
const networks = ["net", "more", "lan"] as const;

type Call = {
  readonly command: "ADD" | "CHECK" | "DEL" | "GC";
  readonly container: number;
  readonly network: number;
};
type Step = Call | (Call & { readonly failsAt: number }) | "restart";

const callOf = {
  command: fc.constantFrom("ADD", "ADD", "ADD", "ADD", "CHECK", "DEL", "DEL", "GC"),
  container: fc.nat({ max: containers.length - 1 }),
  network: fc.nat({ max: networks.length - 1 }),
} as const;
const sequences: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    { weight: 8, arbitrary: fc.record(callOf) },
    { weight: 3, arbitrary: fc.record({ ...callOf, failsAt: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 1, arbitrary: fc.constant("restart") },
  ),
  { minLength: 1, maxLength: 20, size: "max" },
);

/** What a runtime knows of a container in a network: what the plugins have answered that it has called. */
class Attachment {
  readonly chain: readonly [Link, ...Link[]];
  readonly place: Place;
  results: readonly unknown[] = [];

  constructor(container: number, network: number) {
    this.chain = chains(container)[network] ?? assert.fail();
    this.place = {
      network: networks[network] ?? assert.fail(),
      interfaceName: `eth${network}`,
      container: containers[container] ?? assert.fail(),
    };
  }
}

class Runtime {
  readonly #open: () => Promise<NetworkController>;
  readonly #runDir: string;
  readonly #attachments = containers.map((_, container) =>
    networks.map((_name, network) => new Attachment(container, network)),
  );
  #controller: NetworkController;

  constructor(open: () => Promise<NetworkController>, controller: NetworkController, runDir: string) {
    this.#open = open;
    this.#controller = controller;
    this.#runDir = runDir;
  }

  async step(step: Step): Promise<void> {
    if (step === "restart") {
      await this.#controller.close();
      this.#controller = await this.#open();
    } else if ("failsAt" in step) await this.#fail(step, step.failsAt);
    else await this.#call(step);
    await this.#check();
  }

  /** Whoever is told that a call failed calls DEL, or what failed once more; an ADD that failed has changed nothing. */
  async #fail(step: Call, at: number): Promise<void> {
    await this.#controller.settle();
    const before = wholeState(this.#runDir);
    faults.arm({ at });
    const failure = await this.#call(step).then(
      () => undefined,
      (error: unknown) => error,
    );
    const { struck } = faults;
    faults.arm();
    assert.equal(failure === undefined, struck === undefined, `${struck}: ${String(failure)}`);
    if (struck === undefined) return;
    counted.failures++;
    await this.#controller.settle();
    if (step.command === "ADD") assert.deepEqual(wholeState(this.#runDir), before, struck);
    else await this.#call(step);
  }

  async #call({ command, container, network }: Call): Promise<void> {
    const attachment = this.#attachments[container]?.[network] ?? assert.fail();
    const { chain, place, results } = attachment;
    counted.calls++;
    const [next, last] = [chain[results.length], chain[results.length - 1] ?? chain[0]];
    switch (command) {
      case "ADD":
        if (next !== undefined)
          attachment.results = [...results, await call(this.#controller, "ADD", next, place, results.at(-1))];
        break;
      case "CHECK":
        for (const link of chain.slice(0, results.length))
          await call(this.#controller, "CHECK", link, place, results.at(-1));
        break;
      case "DEL":
        await call(this.#controller, "DEL", last, place, results.at(-1));
        attachment.results = results.slice(0, -1);
        break;
      case "GC":
        await call(this.#controller, "GC", chain[0], place);
        for (const all of this.#attachments) if (all[network] !== undefined) all[network].results = [];
    }
  }

  async #check(): Promise<void> {
    await this.#controller.settle();
    assert.deepEqual((await this.#controller.reconcile({ dryRun: true })).plan, [], "the kernel is as described");
    const there = this.#attachments.flat().filter(({ results }) => results.length > 0);
    assert.equal(this.#controller.endpoints().length, there.length, "an endpoint for each attachment");
    const inSome = new Set(there.map(({ place }) => place.container));
    assert.equal(this.#controller.sandboxes().length, inSome.size, "a sandbox for each container that has any");
  }

  /** Takes away what is left, as runtimes do. */
  async end(): Promise<void> {
    for (const { chain, place } of this.#attachments.flat())
      for (const link of chain.toReversed()) await call(this.#controller, "DEL", link, place);
    await this.#controller.settle();
    assert.deepEqual(this.#controller.endpoints(), []);
    await this.#controller.close();
  }
}

test("60 random sequences of CNI's calls, failures and restarts break no invariant", async (t) => {
  const { runDir } = directories(t);
  const before = wholeState(runDir);
  await fc.assert(
    fc.asyncProperty(sequences, async (steps) => {
      const store = createFaultyStore(await openLocalStore({ stateDir: undefined }), faults);
      const open = (): Promise<NetworkController> =>
        createController({
          store: { ...store, close: async () => undefined },
          engine: { ...engine, close: () => engine.settle() },
          runDir,
        });
      const runtime = new Runtime(open, await open(), runDir);
      for (const step of steps) await runtime.step(step);
      await runtime.end();
      await store.close();
      assert.deepEqual(wholeState(runDir), before, "nothing is left");
    }),
    // What one that fails leaves would fail shorter ones.
    { numRuns: 60, endOnFailure: true },
  );
  t.diagnostic(`${counted.calls} calls, of which ${counted.failures} failed half-way`);
  await engine.close();
});
