/** Links of the container's own that stand on a link of the host, or on another one of the container's: what macvlan, ipvlan and vlan have in common. */
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { NamespaceFacts } from "../../state/engine.ts";
import type { AttachmentInterface, StandingInterface } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { CniResult } from "../protocol/result.ts";
import type { PlacedCall } from "./call.ts";
import type { Making } from "./interface-plugin.ts";
import { addressesOf, routesOf } from "./routes.ts";

/** The link of the IPv4 default route, the first where there are several. Throws CniError 7 where there is none. */
function defaultLink({ defaults }: NamespaceFacts): string {
  const link = defaults.find((route) => route.family === 4 && route.link !== undefined)?.link;
  if (link !== undefined) return link;
  throw new CniError(cniCode.badConfiguration, '"master" is not given, and there is no default route to take it from');
}

/** A link's MTU; throws CniError where there is none of that name. */
function mtuOf({ links }: NamespaceFacts, parent: string): number {
  const link = links.find(({ name }) => name === parent);
  if (link !== undefined) return link.mtu;
  throw new CniError(cniCode.other, `failed to lookup master "${parent}": Link not found`);
}

/**
 * What makes such a link: `named` is the parent, where one is named, and `kind` says which link it is of what all of them have. Throws CniError 7, once the parent is looked
 * at, for an MTU larger than its own.
 */
export function standingOn(
  { config }: PlacedCall,
  named: string | undefined,
  mac: AttachmentInterface["mac"],
  kind: (common: StandingInterface) => Making["made"],
): (scene: AttachmentScene, ipam: CniResult) => Promise<Making> {
  const inside = config.flag("linkInContainer");
  const wanted = config.whole("mtu") ?? 0;
  return async (scene, { ips, routes }) => {
    const facts = await (inside ? scene.inside() : scene.host());
    const parent = named ?? defaultLink(facts);
    const most = mtuOf(facts, parent);
    if (wanted < 0 || wanted > most) {
      throw new CniError(cniCode.badConfiguration, `invalid MTU ${wanted}, must be [0, master MTU(${most})]`);
    }
    const made = kind({
      parent,
      ...(inside && { parentInside: true }),
      ...(mac !== undefined && { mac }),
      ...(wanted > 0 && { mtu: wanted }),
      addresses: addressesOf(ips),
      routes: routesOf(routes, ips),
    });
    return { made, onHost: [], mtu: wanted || most, ips, routes };
  };
}
