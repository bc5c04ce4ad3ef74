/** A controller in the test's own host. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ControllerOptions, createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import type { StoreState } from "../../../src/store/store.ts";

export interface Directories {
  readonly stateDir: string;
  readonly runDir: string;
}

/** Directories for one engine; {@link controllerFor} or the test removes them. */
export function directories(test: { after(work: () => void): void }): Directories {
  const stateDir = mkdtempSync(join(tmpdir(), "portolan-state-"));
  const runDir = mkdtempSync("/run/portolan-");
  test.after(() => rmSync(stateDir, { recursive: true, force: true }));
  return { stateDir, runDir };
}

/** What a store holds but where addresses of CNI's are given out next: it goes on there whatever became of the last one. */
export const lasting = (state: StoreState): StoreState => ({
  ...state,
  setting: state.setting.filter(({ id }) => !id.startsWith("last-reserved ")),
});

/** Removes everything that a controller made. */
export async function removeAll(controller: NetworkController): Promise<void> {
  for (const { id } of controller.sandboxes()) await controller.sandbox(id).delete();
  // A configuration goes behind the networks that are made from it.
  const networks = controller.networks().toSorted((a, b) => Number(a.configOnly) - Number(b.configOnly));
  for (const { id, driver } of networks)
    if (driver !== "host" && driver !== "none") await removeNetwork(controller, id);
  await controller.settle();
}

async function removeNetwork(controller: NetworkController, id: string): Promise<void> {
  const network = controller.network(id);
  for (const endpoint of network.info().endpoints) await controller.endpoint(endpoint.id).delete();
  if (network.name !== "bridge") await network.delete();
}

/** A controller; at the end of the test everything that it made is removed and it is closed. */
export async function controllerFor(
  test: { after(work: () => Promise<void>): void },
  options: ControllerOptions,
): Promise<NetworkController> {
  const controller = await createController(options);
  let closed = false;
  const close = controller.close.bind(controller);
  controller.close = () => {
    closed = true;
    return close();
  };
  test.after(async () => {
    if (closed) return;
    await removeAll(controller);
    await controller.close();
  });
  return controller;
}
