/** Every operation of the library that changes something. */
import { endpointOperations } from "./endpoints.ts";
import { externalOperations } from "./external.ts";
import { macvlanOperations } from "./macvlan.ts";
import { networkOperations } from "./networks.ts";
import type { Operation } from "./operation.ts";
import { portOperations } from "./ports.ts";
import { reconciling } from "./reconciling.ts";
import { sandboxOperations } from "./sandboxes.ts";

/** Those that do what they describe: commands can be printed of them. */
export const describedOperations: readonly Operation[] = [
  ...networkOperations,
  ...sandboxOperations,
  ...endpointOperations,
  ...portOperations,
  ...macvlanOperations,
  ...reconciling,
];

export const operations: readonly Operation[] = [...describedOperations, ...externalOperations];
