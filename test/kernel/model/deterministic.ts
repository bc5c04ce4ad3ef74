/** Controllers that draw the same ids, addresses and times again, so that what they make can be compared between runs. */
import { endpointMakers } from "../../../src/cni/maker.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { type ControllerOptions, createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import type { Faults } from "../../support/faults.ts";
import { createFaultyKernel } from "../../support/faulty-kernel.ts";
import { faultyMakers } from "../../support/faulty-maker.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";
import { clockFrom, randomFrom } from "../../support/random.ts";
import type { Directories } from "./support.ts";

/** Opens a controller whose changes `faults` counts. Its ids follow from the seed, its times start at `second`. */
export async function deterministicController(
  { stateDir, runDir }: Directories,
  faults: Faults,
  { seed, second }: { readonly seed: string; readonly second: number },
  options: ControllerOptions = {},
): Promise<NetworkController> {
  const store = createFaultyStore(await openLocalStore({ stateDir, wait: 5_000 }), faults);
  const engine = createEngine(createFaultyKernel(createKernel(), faults));
  const makers = faultyMakers(endpointMakers({ stateDir }), faults);
  return createController({
    store,
    engine,
    makers,
    runDir,
    random: randomFrom(seed),
    now: clockFrom(second),
    ...options,
  });
}

/** The controller that makes what an operation works on. */
export const preparation = { seed: "preparation", second: 1_000_000_000 } as const;
/** The controller that carries the operation out. */
export const execution = { seed: "execution", second: 1_100_000_000 } as const;
/** Any later one. */
export const aftermath = { seed: "aftermath", second: 1_200_000_000 } as const;
