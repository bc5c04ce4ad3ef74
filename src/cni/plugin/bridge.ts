/** The type `bridge`: a veth pair between a bridge of the host and the container. */
import {
  addressOf,
  cidrFamily,
  contains,
  type InterfaceAddress,
  interfaceAddress,
  lengthOf,
  parseInterfaceAddress,
  type Subnet,
  subnetOf,
} from "../../address/cidr.ts";
import { type Family, familyOf, type IpAddress, parseIp } from "../../address/ip.ts";
import { readLinkName } from "../../drivers/options.ts";
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { FeatureName, NamespaceFacts } from "../../state/engine.ts";
import type { Address, BridgeLink } from "../../state/objects.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { CniResult, ResultIp, ResultRoute } from "../protocol/result.ts";
import { askedVlans, gatewayLinkOf, portVlans } from "./bridge-vlans.ts";
import type { PlacedCall } from "./call.ts";
import { askedMac } from "./capabilities.ts";
import { interfacePlugin, type Making } from "./interface-plugin.ts";
import { hasIpam } from "./ipam.ts";
import { addressesOf, defaultRoute, firstAddress, gatewayOf, isDefault, routesOf } from "./routes.ts";

const defaultMtu = 1500;

function optionsOf(call: PlacedCall) {
  const { config } = call;
  const isDefaultGateway = config.flag("isDefaultGateway");
  const options = {
    bridge: readLinkName(config.text("bridge") || "cni0", "bridge"),
    isDefaultGateway,
    isGateway: isDefaultGateway || config.flag("isGateway"),
    force: config.flag("forceAddress"),
    masquerade: config.flag("ipMasq"),
    mtu: config.whole("mtu") || undefined,
    hairpin: config.flag("hairpinMode"),
    promiscuous: config.flag("promiscMode"),
    isolated: config.flag("portIsolation"),
    ownMacOnly: config.flag("macspoofchk"),
    leftDown: config.flag("disableContainerInterface"),
    vlans: askedVlans(config),
    mac: askedMac(call),
  };
  if (options.hairpin && options.promiscuous) {
    throw new CniError(cniCode.badConfiguration, "cannot set hairpin mode and promiscuous mode at the same time.");
  }
  if (options.leftDown && hasIpam(call)) {
    throw new CniError(cniCode.badConfiguration, "cannot use IPAM when DisableContainerInterface flag is set");
  }
  return options;
}

interface FoundBridge {
  readonly own?: BridgeLink;
  readonly mac: string | undefined;
  readonly isNew: boolean;
  readonly raise: boolean;
  /** What is to be known of it where VLANs are asked for. */
  readonly vlans?: NonNullable<NamespaceFacts["links"][number]["vlans"]>;
}

/** The bridge: one that is there already, ours or somebody's, or a new one. Throws CniError for one of somebody's that does not keep the VLANs apart that are asked for. */
async function bridgeOf(
  call: PlacedCall,
  scene: AttachmentScene,
  { bridge, mtu, vlans }: ReturnType<typeof optionsOf>,
): Promise<FoundBridge> {
  const wanted = call.attachments.wantedLink(bridge);
  if (wanted?.type === "bridge" && vlans === undefined)
    return { own: wanted, mac: wanted.mac, isNew: false, raise: false };
  const there = (await scene.host()).links.find(({ name }) => name === bridge);
  const known = there?.vlans && { vlans: there.vlans };
  if (wanted?.type === "bridge") return { own: wanted, mac: wanted.mac, isNew: false, raise: false, ...known };
  if (wanted !== undefined || (there !== undefined && there.type !== "bridge")) {
    throw new CniError(cniCode.other, `${bridge} already exists but is not a bridge`);
  }
  if (there !== undefined && vlans !== undefined && there.vlans?.filtering !== true) {
    throw new CniError(
      cniCode.other,
      `${bridge} does not keep VLANs apart`,
      `ip link set ${bridge} type bridge vlan_filtering 1`,
    );
  }
  if (there !== undefined) return { mac: there.mac, isNew: false, raise: !there.up, ...known };
  const mac = call.attachments.newMac();
  const own: BridgeLink = {
    kind: "link",
    namespace: "host",
    type: "bridge",
    name: bridge,
    mac,
    ...(mtu !== undefined && { mtu }),
    up: true,
    addressGeneration: "none",
  };
  return { own, mac, isNew: true, raise: false };
}

/** The addresses with gateways where the bridge is theirs: IPAM's, or the first of the subnet. */
const withGateways = (ips: readonly ResultIp[]): readonly ResultIp[] =>
  ips.map((ip) => ({ ...ip, gateway: ip.gateway ?? addressOf(firstAddress(parseInterfaceAddress(ip.address))) }));

const bridgeAddresses = (ips: readonly ResultIp[]): readonly InterfaceAddress[] => [
  ...new Set(
    ips.flatMap(({ address, gateway }) =>
      gateway === undefined ? [] : [interfaceAddress(parseIp(gateway), lengthOf(parseInterfaceAddress(address)))],
    ),
  ),
];

/** Addresses of the gateway's link that are in the way of these; throws CniError where they are not to be replaced, or are other containers' gateways. */
async function addressesInTheWay(
  call: PlacedCall,
  scene: AttachmentScene,
  gateway: string,
  force: boolean,
  wanted: readonly InterfaceAddress[],
): Promise<readonly Address[]> {
  const missing = wanted.filter((address) => !call.attachments.wantsAddress(gateway, address));
  if (missing.length === 0) return [];
  return (await scene.host()).addresses.flatMap(({ link, address, subnet }): Address[] => {
    const there = interfaceAddress(address, lengthOf(subnet));
    if (link !== gateway || address.startsWith("fe80:") || wanted.includes(there)) return [];
    const other = missing.find((one) => isInTheWay(subnet, address, one));
    if (other === undefined) return [];
    if (force && !call.attachments.wantsAddress(gateway, there)) {
      return [{ kind: "address", namespace: "host", link: gateway, address: there }];
    }
    throw new CniError(cniCode.other, `"${gateway}" already has an IP address different from ${other}`, there);
  });
}

/** A bridge has one IPv4 address, and IPv6 addresses of subnets that are apart. */
const isInTheWay = (subnet: Subnet, address: IpAddress, wanted: InterfaceAddress): boolean =>
  cidrFamily(wanted) === familyOf(address) &&
  (cidrFamily(wanted) === 4 ||
    contains(subnet, addressOf(wanted)) ||
    contains(subnetOf(addressOf(wanted), lengthOf(wanted)), address));

/** IPAM's routes, and where the bridge is to be the default gateway those that say so, unless IPAM has one with a gateway. */
function allRoutes(ipam: CniResult, ips: readonly ResultIp[], isDefaultGateway: boolean): readonly ResultRoute[] {
  if (!isDefaultGateway || ipam.routes.some((route) => isDefault(route) && route.gw !== undefined)) return ipam.routes;
  const said = new Set(ipam.routes.filter(isDefault).map(({ dst }) => dst.includes(":")));
  const more = ([4, 6] as const).flatMap((family) => {
    const gateway = gatewayOf(ips, family);
    return gateway === undefined || said.has(family === 6) ? [] : [defaultRoute(family, gateway)];
  });
  return [...ipam.routes, ...more];
}

function needsOf({ config }: PlacedCall): readonly FeatureName[] {
  const vlans = askedVlans(config);
  const isGateway = config.flag("isGateway") || config.flag("isDefaultGateway");
  return [
    ...(config.flag("macspoofchk") ? (["nft-bridge"] as const) : []),
    ...(vlans === undefined ? [] : (["bridge-vlan"] as const)),
    ...(vlans !== undefined && vlans.own !== 0 && isGateway ? (["vlan"] as const) : []),
  ];
}

export const bridge = interfacePlugin((call) => {
  const options = optionsOf(call);
  return async (scene, ipam): Promise<Making> => {
    const { bridge: name, mtu, isGateway, masquerade, hairpin, isolated } = options;
    const { own, mac: bridgeMac, isNew, raise, vlans: bridgeVlans } = await bridgeOf(call, scene, options);
    const ips = isGateway ? withGateways(ipam.ips) : ipam.ips;
    const gateways = isGateway ? bridgeAddresses(ips) : [];
    const vlans = options.vlans && portVlans(options.vlans, bridgeVlans);
    const vlan = gateways.length > 0 ? (options.vlans?.own ?? 0) : 0;
    const gatewayLink = vlan === 0 ? undefined : await gatewayLinkOf(call, scene, name, vlan);
    const gateway = gatewayLink?.name ?? name;
    const instead = isNew ? [] : await addressesInTheWay(call, scene, gateway, options.force, gateways);
    const routes = allRoutes(ipam, ips, options.isDefaultGateway);
    const hostEnd = { name: call.attachments.newLinkName("veth"), mac: call.attachments.newMac() };
    const families = [...new Set(gateways.map(cidrFamily))] satisfies Family[];
    return {
      made: {
        kind: "bridged",
        hostEnd,
        bridge: name,
        ...(own !== undefined && { own }),
        gateways,
        ...(vlans !== undefined && { vlans }),
        ...(gatewayLink !== undefined && { gatewayLink }),
        forwarding: families,
        masquerade,
        hairpin,
        isolated,
        promiscuous: options.promiscuous,
        raise,
        ...(options.ownMacOnly && { ownMacOnly: true }),
        ...(options.leftDown && { leftDown: true }),
        mac: options.mac ?? call.attachments.newMac(),
        ...(mtu !== undefined && { mtu }),
        addresses: addressesOf(ips),
        routes: routesOf(routes, ips),
      },
      instead,
      onHost: [
        { name, ...(bridgeMac !== undefined && { mac: bridgeMac }), mtu: mtu ?? defaultMtu },
        { ...hostEnd, mtu: mtu ?? defaultMtu },
      ],
      ...(gatewayLink !== undefined && {
        onHostBehind: [{ name: gateway, ...(bridgeMac !== undefined && { mac: bridgeMac }), mtu: mtu ?? defaultMtu }],
      }),
      mtu: mtu ?? defaultMtu,
      ips,
      routes,
    };
  };
}, needsOf);
