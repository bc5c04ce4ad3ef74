/** A veth pair between a bridge of the host and a container, as CNI's `bridge` plugin makes it. */
import { addressOf, cidrFamily, parseInterfaceAddress } from "../../address/cidr.ts";
import { type MacAddress, parseMac } from "../../address/mac.ts";
import { describeMasqueraded, describeOpenLink } from "../../firewall/open-link.ts";
import { describeSender } from "../../firewall/senders.ts";
import type { KernelObject, LinkSetting, NamespaceRef, Sysctl, VethLink } from "../../state/objects.ts";
import type { BridgedInterface } from "../../store/attachment.ts";
import type { EndpointRecord } from "../../store/records.ts";
import { interfaceAddressOf } from "../interface.ts";
import { describeGatewayLink, describeVlans } from "./bridge-vlans.ts";
import { describeInside, describePair } from "./inside.ts";

const host = "host";

/** The same on every bridge with IPv6, or the kernel could not ask for neighbours on behalf of forwarded packets at once (ndisc_solicit). */
const linkLocal = parseInterfaceAddress("fe80::1/64");

const hostSysctl = (name: string, value: string): Sysctl => ({ kind: "sysctl", namespace: host, name, value });

const setting = (link: string, name: LinkSetting["setting"]): LinkSetting => ({
  kind: "link-setting",
  namespace: host,
  link,
  setting: name,
  value: "on",
});

/** What makes the host a router in the families where it is the container's gateway. */
export const describeForwarding = (families: readonly (4 | 6)[]): readonly Sysctl[] => [
  ...(families.includes(4) ? [hostSysctl("net/ipv4/ip_forward", "1")] : []),
  ...(families.includes(6) ? [hostSysctl("net/ipv6/conf/all/forwarding", "1")] : []),
];

/** The bridge where it is ours, and the addresses that containers have for their gateway, its own or in their VLAN. */
function describeBridge(made: BridgedInterface): readonly KernelObject[] {
  const { bridge, own, gatewayLink, gateways, promiscuous, raise } = made;
  const gateway = gatewayOf(made);
  const isOurs = (gatewayLink === undefined ? own : gatewayLink.own) !== undefined;
  return [
    ...(own === undefined ? [] : [own]),
    ...(promiscuous ? [setting(bridge, "promiscuous")] : []),
    ...(raise ? [setting(bridge, "up")] : []),
    ...describeGatewayLink(made),
    ...(isOurs && gateways.some((address) => cidrFamily(address) === 6)
      ? [hostSysctl(`net/ipv6/conf/${gateway}/accept_ra`, "0"), interfaceAddressOf(host, gateway, linkLocal)]
      : []),
    ...gateways.map((address) => interfaceAddressOf(host, gateway, address)),
  ];
}

/** The link of the host by which containers leave. */
export const gatewayOf = ({ bridge, gatewayLink }: BridgedInterface): string => gatewayLink?.name ?? bridge;

/** The MAC address that the interface has: one that a later plugin of the chain gave it, or the one that it was made with. */
function macOf({ mac }: BridgedInterface, { attachment }: EndpointRecord, name: string): MacAddress | undefined {
  const set = (attachment?.parts ?? [])
    .flatMap(({ made }) => (made.kind === "set" ? made.links : []))
    .findLast(({ link, setting: what }) => link === name && what === "mac");
  return set === undefined ? mac : parseMac(set.value);
}

/** What holds the container to its own MAC address, where it is to be held. */
function describeOwnMac(made: BridgedInterface, endpoint: EndpointRecord, name: string): readonly KernelObject[] {
  const mac = made.ownMacOnly ? macOf(made, endpoint, name) : undefined;
  return mac === undefined ? [] : describeSender(made.hostEnd.name, mac);
}

/** Everything that the plugin made. */
export function describeBridged(
  made: BridgedInterface,
  endpoint: EndpointRecord,
  namespace: NamespaceRef,
  name: string,
): readonly KernelObject[] {
  const { ports } = endpoint;
  const { bridge, hairpin, isolated, masquerade, addresses, forwarding } = made;
  // With br_netfilter a published port is translated on the way into the bridge: who asks for his own goes back where he came from.
  const port = { ...((hairpin || ports !== undefined) && { hairpin: true }), ...(isolated && { isolated }) };
  const link: VethLink = {
    ...describePair(made, namespace, name),
    master: bridge,
    // A port with an IPv6 address would answer for the bridge.
    addressGeneration: "none",
    ...(Object.keys(port).length > 0 && { port }),
  };
  return [
    ...describeBridge(made),
    ...describeForwarding(forwarding),
    link,
    ...describeVlans(made),
    ...describeOwnMac(made, endpoint, name),
    ...describeInside(namespace, name, made),
    ...(masquerade
      ? [...describeOpenLink(gatewayOf(made)), ...addresses.map((one) => describeMasqueraded(addressOf(one)))]
      : []),
  ];
}
