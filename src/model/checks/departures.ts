/** Endpoints that their makers did not take away. */
import type { Check } from "./check.ts";

export const departures: Check = async ({ context }) =>
  [...context.departures.values()].flatMap(({ network, endpoint, sandboxId, interfaceName, failure }) =>
    failure === undefined
      ? []
      : [
          {
            code: "endpoint-left",
            severity: "warning" as const,
            title: `endpoint ${endpoint} of network ${network.name} was not taken away by who made it`,
            detail: `${failure} (container ${sandboxId}, interface ${interfaceName})`,
            advice:
              "see what its plugins want; it is tried again at the engine's next start, and when an endpoint of such a network leaves",
          },
        ],
  );
