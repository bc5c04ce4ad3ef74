/** Links of the container's own that stand on a link of the host: what macvlan, ipvlan and vlan have in common. */
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { AttachmentInterface } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { CniResult } from "../protocol/result.ts";
import type { PlacedCall } from "./call.ts";
import type { Making } from "./interface-plugin.ts";
import { addressesOf, routesOf } from "./routes.ts";

/** The MTU of a link of the host; throws CniError where there is none of that name. */
async function hostMtu(scene: AttachmentScene, parent: string): Promise<number> {
  const link = (await scene.host()).links.find(({ name }) => name === parent);
  if (link !== undefined) return link.mtu;
  throw new CniError(cniCode.other, `failed to lookup master "${parent}": Link not found`);
}

/**
 * What makes such a link: `kind` says which it is of what all of them have. Throws CniError 2 for a parent inside the container, and 7, once the parent is looked at, for an
 * MTU larger than its own.
 */
export function standingOn(
  { config }: PlacedCall,
  parent: string,
  mac: AttachmentInterface["mac"],
  kind: (common: AttachmentInterface & { readonly parent: string }) => Making["made"],
): (scene: AttachmentScene, ipam: CniResult) => Promise<Making> {
  if (config.flag("linkInContainer")) {
    throw new CniError(cniCode.unsupportedField, 'unsupported field "linkInContainer": true');
  }
  const wanted = config.whole("mtu") ?? 0;
  return async (scene, { ips, routes }) => {
    const most = await hostMtu(scene, parent);
    if (wanted < 0 || wanted > most) {
      throw new CniError(cniCode.badConfiguration, `invalid MTU ${wanted}, must be [0, master MTU(${most})]`);
    }
    const made = kind({
      parent,
      ...(mac !== undefined && { mac }),
      ...(wanted > 0 && { mtu: wanted }),
      addresses: addressesOf(ips),
      routes: routesOf(routes, ips),
    });
    return { made, onHost: [], mtu: wanted || most, ips, routes };
  };
}
