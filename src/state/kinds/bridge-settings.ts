/** Settings of bridges and their ports: as the kernel is told of them, what changes of them, and as `ip` says it. */
import type { LinkKindData } from "../../kernel/netlink/route/link.ts";
import { fieldsAgree } from "../kind.ts";
import type { BridgeLink, BridgePort, Link } from "../objects.ts";

type BridgeSettings = Pick<BridgeLink, "spanningTree" | "vlanFiltering" | "defaultVlan" | "ipFiltering">;

/** The settings for a message. */
export const bridgeData = ({
  spanningTree,
  vlanFiltering,
  defaultVlan,
  ipFiltering,
}: BridgeSettings): LinkKindData => ({
  kind: "bridge",
  spanningTree,
  vlanFiltering,
  defaultVlan,
  ipv4Filtering: ipFiltering,
  ipv6Filtering: ipFiltering,
});

/**
 * The settings of a bridge that are to be otherwise; what was said nothing of is off. The others are not told: a kernel without VLAN filtering refuses
 * to hear of it, even that it is off.
 */
export function changedSettings(before: Link, link: Link): BridgeSettings {
  if (before.type !== "bridge" || link.type !== "bridge") return {};
  const { spanningTree, vlanFiltering, defaultVlan, ipFiltering } = link;
  const differs = (was: boolean | undefined, is: boolean | undefined): boolean =>
    is !== undefined && is !== (was ?? false);
  return {
    ...(differs(before.spanningTree, spanningTree) && { spanningTree }),
    ...(differs(before.vlanFiltering, vlanFiltering) && { vlanFiltering }),
    ...(defaultVlan !== undefined && defaultVlan !== before.defaultVlan && { defaultVlan }),
    ...(differs(before.ipFiltering, ipFiltering) && { ipFiltering }),
  } as BridgeSettings; // what differs is not undefined
}

/** The settings as words of `ip link … type bridge`. */
export function settingWords({ spanningTree, vlanFiltering, defaultVlan, ipFiltering }: BridgeSettings): string {
  const word = (name: string, value: boolean | number | undefined): string =>
    value === undefined ? "" : ` ${name} ${Number(value)}`;
  return [
    word("stp_state", spanningTree),
    word("vlan_filtering", vlanFiltering),
    word("vlan_default_pvid", defaultVlan),
    word("nf_call_iptables", ipFiltering),
    word("nf_call_ip6tables", ipFiltering),
  ].join("");
}

/** A link with what its bridge's port is to be, where what was said of it before is not said any more: it is off. */
export function withPort(before: Link, link: Link): Link {
  if (before.type !== "veth" || link.type !== "veth" || before.port === undefined || link.master === undefined) {
    return link;
  }
  const { hairpin, isolated } = before.port;
  const off = { ...(hairpin && { hairpin: false }), ...(isolated && { isolated: false }) };
  return Object.keys(off).length === 0 ? link : { ...link, port: { ...off, ...link.port } };
}

/**
 * What a bridge's port is to be, where nothing else of its link is to be otherwise; undefined where there is more to do. Telling a port its MAC address and its bridge again
 * takes the kernel longer than the change.
 */
export function changedPort(before: Link, link: Link): BridgePort | undefined {
  const changed = withPort(before, link);
  if (changed.type !== "veth" || changed.port === undefined || before.type !== "veth") return undefined;
  const isElse = fieldsAgree({ ...changed, port: undefined }, before) && !fieldsAgree(changed.port, before.port);
  return isElse ? changed.port : undefined;
}
