/** ADD: the plugins in their order, each with the result of the one before. */
import { isPortolanError, PortolanError } from "../../errors.ts";
import { atLeast } from "../protocol/version.ts";
import type { CacheKey, ResultCache } from "./cache.ts";
import type { AttachmentCall } from "./call.ts";
import { addByPlugin, callPlugin, type Surroundings } from "./chain.ts";
import { withMore } from "./failure.ts";
import type { NetworkConfiguration } from "./network.ts";
import { findPlugin } from "./plugin-path.ts";
import { hasInterface } from "./presence.ts";

/** How an ADD is done. */
export interface AddOptions {
  /** Leaves what plugins did before one of them failed, as libcni does. */
  readonly keepFailed?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Attaches a container to a network; the last plugin's result, JSON. An ADD that fails is followed by DEL of the plugins that were called, last first, unless the
 * interface was there before: then it is somebody else's, and DEL might take it away. Throws `exists` where the interface is attached already.
 */
export async function addAttachment(
  surroundings: Surroundings,
  cache: ResultCache,
  network: NetworkConfiguration,
  attachment: AttachmentCall,
  { keepFailed = false, signal }: AddOptions,
): Promise<string> {
  if (cache.find({ ...attachment, network: network.name }).kind === "attachment")
    throw second(network.name, attachment);
  // Before the first one does anything.
  for (const { type } of network.plugins) findPlugin(type, surroundings.pluginDirectories);
  const foreign = attachment.namespace !== undefined && hasInterface(attachment.namespace, attachment.interfaceName);
  if (foreign) refuseOthers(cache, attachment);
  let called = 0;
  let result: string | undefined;
  try {
    for (const plugin of network.plugins) {
      called++;
      const inserted = result === undefined ? {} : { prevResult: result };
      result = await addByPlugin(surroundings, { network, plugin, attachment, inserted, ...(signal && { signal }) });
    }
    cache.put({ ...attachment, network: network.name, configuration: network.text, ...(result && { result }) });
  } catch (error) {
    if (keepFailed) throw error;
    const suppressed = foreign === false ? await undo(surroundings, network, attachment, called, result) : [];
    // What is the caller's own is his as it is.
    if (!isPortolanError(error) || error === signal?.reason) throw error;
    if (foreign !== false) throw withMore(error, { advice: notUndone(network, attachment, foreign) });
    throw suppressed.length === 0 ? error : withMore(error, { suppressed });
  }
  return result ?? "null";
}

/** An interface of a container is in one network. Asked where it is there only: the cache is read through for it, and every namespace has a loopback link. */
function refuseOthers(cache: ResultCache, attachment: AttachmentCall): void {
  if (attachment.interfaceName === "lo") return;
  const [other] = cache.ofInterface(attachment);
  if (other !== undefined) throw second(other.network, attachment);
}

function second(network: string, attachment: AttachmentCall): PortolanError {
  const { containerId, interfaceName } = attachment;
  const what = `${interfaceName} of container "${containerId}"`;
  return new PortolanError("exists", `${what} is attached to network "${network}" already`, {
    object: `attachment "${interfaceName}" of container "${containerId}"`,
    advice: detachAdvice(network, attachment),
  });
}

/** DEL of the first plugins of a network, last first, with the result that they came to; the failures. */
async function undo(
  surroundings: Surroundings,
  network: NetworkConfiguration,
  attachment: AttachmentCall,
  called: number,
  result: string | undefined,
): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  const inserted = result !== undefined && atLeast(network.version, "0.4.0") ? { prevResult: result } : {};
  for (const plugin of network.plugins.slice(0, called).toReversed()) {
    try {
      await callPlugin(surroundings, { command: "DEL", network, plugin, attachment, inserted });
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

const notUndone = (
  { name }: NetworkConfiguration,
  attachment: AttachmentCall,
  foreign: boolean | undefined,
): string => {
  const why = foreign === undefined ? "whether it was there before cannot be seen" : "it was there before";
  return `nothing was undone, or ${attachment.interfaceName} might go: ${why}; ${detachAdvice(name, attachment)}`;
};

const detachAdvice = (network: string, { containerId, interfaceName }: Omit<CacheKey, "network">): string =>
  `to detach it: portolan cni del ${network} --container-id ${containerId} --ifname ${interfaceName}`;
