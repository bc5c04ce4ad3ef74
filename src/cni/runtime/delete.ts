/** DEL: the plugins in reverse, each with the result of ADD. */
import { atLeast } from "../protocol/version.ts";
import type { ResultCache } from "./cache.ts";
import { callPlugin, type Surroundings } from "./chain.ts";
import type { NetworkConfiguration } from "./network.ts";
import { type NamedAttachment, remember } from "./remembered.ts";

/**
 * Detaches a container from a network; no error where it is in it no more. Arguments and namespace that are not given are those of ADD. Stops at the first plugin
 * that fails (SPEC.md, "Deleting an attachment"): what an address leads to goes before the address. A cache entry that cannot be used is passed over, and goes.
 */
export async function deleteAttachment(
  surroundings: Surroundings,
  cache: ResultCache,
  network: NetworkConfiguration,
  named: NamedAttachment,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = { ...named, network: network.name };
  const { attachment, result } = remember(network, named, cache.find(key));
  const inserted = result !== undefined && atLeast(network.version, "0.4.0") ? { prevResult: result } : {};
  for (const plugin of network.plugins.toReversed()) {
    await callPlugin(surroundings, {
      command: "DEL",
      network,
      plugin,
      attachment,
      inserted,
      ...(signal && { signal }),
    });
  }
  cache.delete(key);
}
