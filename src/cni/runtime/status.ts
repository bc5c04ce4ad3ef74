/** STATUS: whether a network can serve an ADD. */
import { atLeast } from "../protocol/version.ts";
import { callPlugin, type Surroundings } from "./chain.ts";
import type { NetworkConfiguration } from "./network.ts";

/** Asks the plugins in their order; false where the network's version is below 1.1.0 and none was asked. Throws what the first one that is not ready says. */
export async function networkStatus(
  surroundings: Surroundings,
  network: NetworkConfiguration,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!atLeast(network.version, "1.1.0")) return false;
  for (const plugin of network.plugins) {
    await callPlugin(surroundings, { command: "STATUS", network, plugin, ...(signal && { signal }) });
  }
  return true;
}
