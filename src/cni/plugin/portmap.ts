/** The type `portmap`: ports of the host that lead to the container. */
import { addressOf, contains, type InterfaceAddress, lengthOf } from "../../address/cidr.ts";
import { gatewayOf } from "../../drivers/attachment/bridged.ts";
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { AttachmentPart } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { PlacedCall } from "./call.ts";
import { askedPorts } from "./capabilities.ts";
import { checkAttachment, requirePrevious } from "./checking.ts";
import { collect, leave } from "./interface-plugin.ts";
import type { Plugin } from "./plugin.ts";
import { containerAddresses } from "./previous.ts";

/** The link of the host behind which an address is: what another part of the attachment says, or the host's most specific route. */
export async function linkTowards(
  scene: AttachmentScene,
  parts: readonly AttachmentPart[],
  addresses: readonly InterfaceAddress[],
): Promise<string | undefined> {
  for (const { made } of parts) {
    if (made.kind === "bridged") return gatewayOf(made);
    if (made.kind === "routed") return made.hostEnd.name;
  }
  const [first] = addresses;
  if (first === undefined) return undefined;
  const ways = (await scene.host()).routes.filter(
    ({ destination, link }) => link !== undefined && link !== "lo" && contains(destination, addressOf(first)),
  );
  return ways.toSorted((a, b) => lengthOf(b.destination) - lengthOf(a.destination))[0]?.link;
}

function settingsOf(call: PlacedCall) {
  const { config } = call;
  const backend = config.text("backend") ?? "";
  if (backend !== "" && backend !== "nftables" && backend !== "iptables") {
    throw new CniError(cniCode.badConfiguration, `unrecognized backend "${backend}"`);
  }
  for (const key of ["conditionsV4", "conditionsV6"] as const) {
    if (config.texts(key).length > 0) throw new CniError(cniCode.unsupportedField, `unsupported field "${key}"`);
  }
  const { publishAddress } = call.attachments;
  const wishes = askedPorts(call).map((port) =>
    publishAddress === undefined ? port : { address: publishAddress, ...port },
  );
  const hidden = config.flag("masqAll") ? "all" : config.flag("snat", true) ? "neighbours" : "nobody";
  return { wishes, hidden } as const;
}

export const portmap: Plugin = {
  async add(call) {
    const previous = requirePrevious(call);
    const { wishes, hidden } = settingsOf(call);
    const addresses = containerAddresses(previous, call.key.interfaceName);
    if (wishes.length === 0 || addresses.length === 0) return previous;
    const { attachments, key, namespace, type } = call;
    await attachments.attach(key, namespace, async (scene) => {
      const parts = scene.endpoint?.attachment?.parts ?? [];
      if (parts.some(({ plugin }) => plugin === type)) {
        throw new CniError(
          cniCode.other,
          `the ports of ${key.containerId} are published in network ${key.network} already`,
        );
      }
      const behind = await linkTowards(scene, parts, addresses);
      return {
        part: {
          plugin: type,
          made: { kind: "published", wishes, addresses, hidden, ...(behind !== undefined && { behind }) },
        },
        addresses,
        publish: wishes,
      };
    });
    return previous;
  },
  async check(call) {
    const previous = requirePrevious(call);
    if (settingsOf(call).wishes.length === 0 || containerAddresses(previous, call.key.interfaceName).length === 0)
      return;
    await checkAttachment(call);
  },
  del: leave,
  gc: collect,
};
