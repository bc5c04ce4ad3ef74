/** A start that could not make the kernel as described. */
import type { Check } from "./check.ts";

export const notRecovered: Check = async ({ startFailure }) =>
  startFailure === undefined
    ? []
    : [
        {
          code: "not-recovered",
          severity: "error",
          title: "the kernel could not be made as described when the engine started",
          detail: startFailure instanceof Error ? startFailure.message : String(startFailure),
          advice: "remove what is in the way, then run `portolan reconcile`",
        },
      ];
