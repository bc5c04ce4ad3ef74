/** GC: attachments that are no longer valid go, and plugins drop what they kept for others. */
import { isPortolanError, PortolanError } from "../../errors.ts";
import type { Attachment } from "../protocol/environment.ts";
import { atLeast } from "../protocol/version.ts";
import type { ResultCache } from "./cache.ts";
import { callPlugin, type Surroundings } from "./chain.ts";
import { deleteAttachment } from "./delete.ts";
import type { NetworkConfiguration } from "./network.ts";

/** What a GC did. */
export interface Collected {
  /** Attachments that were in the cache and not valid. */
  readonly deleted: readonly Attachment[];
  /** Whether the plugins were told: not below 1.1.0, nor where the network disables it. */
  readonly told: boolean;
}

/**
 * Deletes a network's cached attachments but the valid ones, then tells every plugin which are. Goes on through failures; throws all of them as one. Nothing at
 * all is done where the network disables GC.
 */
export async function collectGarbage(
  surroundings: Surroundings,
  cache: ResultCache,
  network: NetworkConfiguration,
  valid: readonly Attachment[],
  signal: AbortSignal | undefined,
): Promise<Collected> {
  if (network.disableGc) return { deleted: [], told: false };
  const failures: PortolanError[] = [];
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    signal?.throwIfAborted();
    try {
      await work();
      return true;
    } catch (error) {
      if (!isPortolanError(error) || error.code === "aborted") throw error;
      failures.push(error);
      return false;
    }
  };
  const deleted: Attachment[] = [];
  for (const cached of cache.list(network.name).attachments) {
    if (cached.network !== network.name || valid.some((one) => isSame(one, cached))) continue;
    if (await attempt(() => deleteAttachment(surroundings, cache, network, cached, signal))) deleted.push(cached);
  }
  const told = atLeast(network.version, "1.1.0");
  for (const plugin of told ? network.plugins : []) {
    const inserted = { valid };
    await attempt(() =>
      callPlugin(surroundings, { command: "GC", network, plugin, inserted, ...(signal && { signal }) }),
    );
  }
  if (failures.length > 0) throw joined(network, failures);
  return { deleted, told };
}

const isSame = (one: Attachment, other: Attachment): boolean =>
  one.containerId === other.containerId && one.interfaceName === other.interfaceName;

function joined({ name }: NetworkConfiguration, failures: readonly PortolanError[]): PortolanError {
  const [first] = failures;
  if (failures.length === 1 && first !== undefined) return first;
  return new PortolanError("plugin", `GC of network "${name}" met ${failures.length} failures`, {
    object: `network "${name}"`,
    reason: failures
      .map(({ message, reason }) => (reason === undefined ? message : `${message}: ${reason}`))
      .join("\n"),
    advice: "everything else was collected; mend these and do it again",
    cause: new AggregateError(failures),
  });
}
