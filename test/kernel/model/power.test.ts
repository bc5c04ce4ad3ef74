/** What becomes of a network when the power fails in the middle: its records are on the disk before the caller has an answer. */
import assert from "node:assert/strict";
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import type { Store } from "../../../src/store/store.ts";
import { enterTestHost, temporaryDirectory } from "../../support/test-host.ts";
import { directories } from "./support.ts";

enterTestHost();

/** A store that keeps a copy of what is on the disk as soon as `keep` says so, as a power failure at that moment would find it at best. */
async function photographed(
  stateDir: string,
  copy: string,
  keep: (calls: readonly string[]) => boolean,
): Promise<Store> {
  const store = await openLocalStore({ stateDir });
  const calls: string[] = [];
  const note = (call: string): void => {
    calls.push(call);
    if (!existsSync(copy) && keep(calls)) cpSync(stateDir, copy, { recursive: true });
  };
  return {
    ...store,
    async commit(changes) {
      const isIntent = changes.some(({ op, collection }) => op === "put" && collection === "intent");
      note(isIntent ? "intent" : "rest");
      await store.commit(changes);
    },
    async flush() {
      await store.flush();
      note("flushed");
    },
  };
}

/** Makes a network, loses the power just before its last commit, and begins again. */
async function interrupted(
  t: TestContext,
  where: ReturnType<typeof directories>,
  boot: "same" | "next",
): Promise<NetworkController> {
  const copy = temporaryDirectory();
  t.after(() => copy[Symbol.dispose]());
  const stateDir = join(copy.path, "state");
  const store = await photographed(
    where.stateDir,
    stateDir,
    (calls) => calls.slice(-2).join(" ") === "flushed rest" && calls.includes("intent"),
  );
  const controller = await createController({ ...where, store });
  const network = await controller.createNetwork({ name: "front", ipam: { pools: [{ subnet: "10.77.0.0/24" }] } });
  await network.delete();
  await controller.close();
  const found = await openLocalStore({ stateDir });
  if (boot === "next") {
    await found.commit([{ op: "put", collection: "setting", record: { id: "boot-id", value: "an earlier one" } }]);
  }
  await found.close();
  const next = await createController({ ...where, stateDir });
  t.after(() => next.close());
  return next;
}

test("after a power failure the network is there", async (t) => {
  const controller = await interrupted(t, directories(t), "next");
  const network = controller.network("front");
  assert.equal(network.info().ipam.pools[0]?.subnet, "10.77.0.0/24");
  await network.delete();
  const again = await controller.createNetwork({ name: "front", ipam: { pools: [{ subnet: "10.77.0.0/24" }] } });
  await again.delete();
});

test("in the same boot it was not begun: the engine was killed before it had answered", async (t) => {
  const controller = await interrupted(t, directories(t), "same");
  assert.deepEqual(
    controller.networks().map(({ name }) => name),
    ["bridge", "host", "none"],
  );
});
