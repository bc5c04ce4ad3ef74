/** CHECK: whether an attachment is still what ADD made. */
import { PortolanError } from "../../errors.ts";
import { atLeast } from "../protocol/version.ts";
import type { ResultCache } from "./cache.ts";
import { callPlugin, type Surroundings } from "./chain.ts";
import type { NetworkConfiguration } from "./network.ts";
import { type NamedAttachment, remember } from "./remembered.ts";

/**
 * Asks the plugins in their order; false where the network has CHECK disabled and none was asked. Throws what the first one that is not content says, `not-found`
 * where the attachment was never made, `unsupported` where the network's version has no CHECK.
 */
export async function checkAttachment(
  surroundings: Surroundings,
  cache: ResultCache,
  network: NetworkConfiguration,
  named: NamedAttachment,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!atLeast(network.version, "0.4.0")) {
    throw new PortolanError(
      "unsupported",
      `network "${network.name}" is of version ${network.version}, which has no CHECK`,
      {
        object: `network "${network.name}"`,
        advice: "set its cniVersion to 0.4.0 or a newer one",
      },
    );
  }
  if (network.disableCheck) return false;
  const { attachment, result, unusable } = remember(network, named, cache.find({ ...named, network: network.name }));
  if (unusable !== undefined) throw unusable;
  if (result === undefined) {
    const { containerId, interfaceName } = named;
    throw new PortolanError("not-found", `container "${containerId}" is not attached to network "${network.name}"`, {
      object: `attachment "${interfaceName}" of container "${containerId}"`,
      reason: "the cache has no result of an ADD",
      advice: "`portolan cni list --attachments` shows what it has",
    });
  }
  for (const plugin of network.plugins) {
    const inserted = { prevResult: result };
    await callPlugin(surroundings, {
      command: "CHECK",
      network,
      plugin,
      attachment,
      inserted,
      ...(signal && { signal }),
    });
  }
  return true;
}
