/** What the cache knows of an attachment that is called for once more. */
import { isPortolanError, PortolanError } from "../../errors.ts";
import { CniError } from "../protocol/cni-error.ts";
import type { Attachment } from "../protocol/environment.ts";
import type { Found } from "./cache.ts";
import type { CachedAttachment } from "./cache-entry.ts";
import type { AttachmentCall, CallArguments } from "./call.ts";
import type { NetworkConfiguration } from "./network.ts";
import { fittedResult } from "./result.ts";

/** An attachment as a caller names it: what is not said is as it was at ADD. */
export type NamedAttachment = Attachment & Partial<CallArguments>;

/** An attachment with what the cache has of it. */
export interface Remembered {
  readonly attachment: AttachmentCall;
  /** The result of ADD in the network's version, JSON. */
  readonly result?: string;
  /** Why the cache's entry cannot be used, where there is one. */
  readonly unusable?: PortolanError;
}

/** Completes an attachment by what was found under its key. */
export function remember(network: NetworkConfiguration, named: NamedAttachment, found: Found): Remembered {
  const cached = found.kind === "attachment" ? found.attachment : undefined;
  const attachment = completed(named, cached);
  if (found.kind === "unreadable") return { attachment, unusable: found.error };
  const text = found.kind === "result" ? found.result : cached?.result;
  if (text === undefined) return { attachment };
  try {
    return { attachment, result: fittedResult(text, network.version) };
  } catch (error) {
    if (!(error instanceof CniError) && !isPortolanError(error)) throw error;
    const unusable = new PortolanError("store", "the cached result cannot be used", {
      object: `attachment "${named.interfaceName}" of container "${named.containerId}"`,
      reason: error.message,
      cause: error,
    });
    return { attachment, unusable };
  }
}

function completed(named: NamedAttachment, cached: CachedAttachment | undefined): AttachmentCall {
  const namespace = named.namespace ?? cached?.namespace;
  return {
    containerId: named.containerId,
    interfaceName: named.interfaceName,
    ...(namespace !== undefined && { namespace }),
    args: named.args ?? cached?.args ?? [],
    capabilities: named.capabilities ?? cached?.capabilities ?? [],
  };
}
