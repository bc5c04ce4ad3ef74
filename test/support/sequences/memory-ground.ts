/** Ground for sequences without a kernel. */
import assert from "node:assert/strict";
import type { NetworkController } from "../../../src/model/types.ts";
import { keyOf } from "../../../src/state/kinds/registry.ts";
import { Faults } from "../faults.ts";
import { createMemoryEngine } from "../memory-engine.ts";
import { silentServices } from "../silent-services.ts";
import type { Ground } from "./run.ts";

/** An empty host. */
export function memoryGround(): Ground {
  const faults = new Faults();
  const engine = createMemoryEngine({ faults });
  const empty = engine.state();
  return {
    engine,
    faults,
    runDir: "/run/portolan",
    thread: silentServices,
    files: () =>
      new Map(engine.objects().flatMap((one) => (one.kind === "file" ? [[one.path, one.content] as const] : []))),
    damage(choice) {
      const objects = engine.objects();
      const object = objects[choice % objects.length];
      if (object !== undefined) engine.vanish(object);
    },
    async check(controller) {
      assert.deepEqual((await controller.reconcile({ dryRun: true })).plan, [], "the kernel is as described");
      const count = (kind: string, type?: string): number =>
        engine
          .objects()
          .filter((one) => one.kind === kind && (type === undefined || ("type" in one && one.type === type))).length;
      const { bridges, joined } = expected(controller);
      assert.equal(count("namespace"), controller.sandboxes().length, "a namespace for each sandbox");
      assert.equal(count("link", "veth"), joined, "a veth for each endpoint in a sandbox");
      assert.equal(count("link", "bridge"), bridges, "a bridge for each network");
      if (bridges === 0 && controller.sandboxes().length === 0)
        assert.deepEqual(engine.state(), empty, `nothing is left: ${engine.objects().map(keyOf).join(", ")}`);
    },
  };
}

/** How many bridges there are to be, and endpoints of theirs in sandboxes. */
export function expected(controller: NetworkController): { readonly bridges: number; readonly joined: number } {
  const networks = controller.networks().filter(({ driver }) => driver === "bridge");
  const joinedTo = networks.map((one) => one.endpoints.filter(({ sandbox }) => sandbox !== undefined).length);
  const bridges = networks.filter(({ name }, i) => name !== "bridge" || (joinedTo[i] ?? 0) > 0).length;
  return { bridges, joined: joinedTo.reduce((sum, count) => sum + count, 0) };
}
