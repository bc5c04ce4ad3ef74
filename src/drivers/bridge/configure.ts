/** From a request for a bridge network to its configuration: everything that depends on options and on the host is decided here, once. */
import {
  addressOf,
  cidrFamily,
  interfaceAddress,
  lengthOf,
  overlaps,
  parseSubnet,
  type Subnet,
} from "../../address/cidr.ts";
import type { Family, IpAddress } from "../../address/ip.ts";
import { localMac, type MacAddress } from "../../address/mac.ts";
import { PortolanError } from "../../errors.ts";
import type { GatewayMode } from "../../firewall/gateway-mode.ts";
import type { NamespaceFacts } from "../../state/engine.ts";
import type { NetworkRecord } from "../../store/records.ts";
import type { ConfigureContext, NetworkRequest } from "../driver.ts";
import { readOptions } from "../options.ts";
import { refuseContradictions } from "./contradictions.ts";
import { type NetworkOptions, networkOptions, predefined } from "./options.ts";

/** What a bridge network's record keeps in `config`. A type, not an interface, so that it is a {@link Json} value. */
export type BridgeConfig = {
  /** Name of the bridge link. */
  readonly bridge: string;
  /** Absent where the link was there before the network, and stays after it. */
  readonly mac?: MacAddress;
  /** Addresses that such a link had already, of those the network wants on it. */
  readonly keptAddresses?: readonly string[];
  /** Bytes, of the bridge and all endpoints; absent: the kernel's default, 1500. */
  readonly mtu?: number;
  readonly masquerade: boolean;
  /** Prefix of interface names inside. */
  readonly interfacePrefix: string;
  /** Modes of the gateways; `nat` where absent. */
  readonly mode4?: GatewayMode;
  readonly mode6?: GatewayMode;
  /** Addresses of the host that what leaves takes; absent: that of the link it leaves by. */
  readonly source4?: IpAddress;
  readonly source6?: IpAddress;
  /** Interfaces of the host from which ports are reached at the sandboxes' own addresses. */
  readonly trusted?: readonly string[];
  /** Address of the host for published ports that name none. */
  readonly publishAddress?: IpAddress;
  /** The bridge has no IPv4 address: the gateway is somebody else's. */
  readonly inhibitIpv4?: true;
  /** Present where sandboxes reach each other by published ports alone: who keeps them apart. */
  readonly apart?: Apart;
  /** How often, and how long from one time to the next, milliseconds, the network is told of an endpoint's addresses; absent: never. */
  readonly announce?: { readonly messages: number; readonly interval: number };
  /** Before an endpoint joins, the network is asked who has its addresses. */
  readonly detectDuplicates?: boolean;
};

/**
 * What keeps the sandboxes of a network apart where published ports are to be the only way: the bridge's ports (each of them is isolated), or, where it
 * sees what passes between them, the firewall. A published port that is asked for from within is translated on its way into the bridge then, and goes on
 * from port to port: isolation of the port that leads to it would stop it.
 */
export type Apart = "ports" | "firewall";

/** The configuration of a bridge network. */
export function configOf(network: NetworkRecord): BridgeConfig {
  // The bridge driver's own `configure` made it.
  return network.config as BridgeConfig;
}

/** Mode of a network's gateway of a family. */
export const modeOf = ({ mode4, mode6 }: BridgeConfig, family: Family): GatewayMode =>
  (family === 4 ? mode4 : mode6) ?? "nat";

/** IPv6 subnets that cannot be a network's: the whole of multicast, and the link-local one that every link has. */
const multicast = parseSubnet("ff00::/8");
const linkLocal = parseSubnet("fe80::/64");

/** Checks a request; throws `invalid-argument`, `invalid-option`, `in-use`, `pool-overlap`. */
export function configure(request: NetworkRequest, context: ConfigureContext): BridgeConfig {
  const object = `network "${request.name}"`;
  const options = readOptions("bridge", "network", networkOptions, request.options);
  const others = context.networks.filter(
    (other) => other.driver === "bridge" && !other.configOnly && other.id !== request.id,
  );
  checkFamilies(request, object);
  checkSubnets(request, others, object);
  refuseContradictions(options, request, object);

  const bridge = options["com.docker.network.bridge.name"] ?? defaultLink(request);
  const holder = others.find((other) => configOf(other).bridge === bridge);
  if (holder || (bridge === predefined.link && request.name !== predefined.network)) {
    throw new PortolanError("in-use", `the link ${bridge} belongs to network "${holder?.name ?? predefined.network}"`, {
      object,
      advice: 'choose another name by the option "com.docker.network.bridge.name", or leave it out',
    });
  }

  const mtu = options["com.docker.network.driver.mtu"];
  const device = deviceOf(bridge, request, context);
  const messages = options["com.docker.network.advertise_addr_nmsgs"] ?? 3;
  return {
    bridge,
    ...device,
    ...(mtu !== undefined && { mtu }),
    masquerade: !request.internal && (options["com.docker.network.bridge.enable_ip_masquerade"] ?? true),
    interfacePrefix: options["com.docker.network.container_iface_prefix"] ?? "eth",
    ...reachOf(options),
    ...(options["com.docker.network.bridge.enable_icc"] === false && {
      apart: keeperOf(device.mac === undefined, context.host.filteredBridging),
    }),
    ...(messages > 0 && { announce: { messages, interval: options["com.docker.network.advertise_addr_ms"] ?? 1000 } }),
    ...(options["portolan.duplicate_address_detection"] && { detectDuplicates: true }),
  };
}

/** What the options say of who reaches whom. */
function reachOf(options: NetworkOptions): Partial<BridgeConfig> {
  const mode4 = options["com.docker.network.bridge.gateway_mode_ipv4"];
  const mode6 = options["com.docker.network.bridge.gateway_mode_ipv6"];
  const source4 = options["com.docker.network.host_ipv4"];
  const source6 = options["com.docker.network.host_ipv6"];
  const trusted = options["com.docker.network.bridge.trusted_host_interfaces"];
  const publishAddress = options["com.docker.network.bridge.host_binding_ipv4"];
  return {
    ...(mode4 !== undefined && mode4 !== "nat" && { mode4 }),
    ...(mode6 !== undefined && mode6 !== "nat" && { mode6 }),
    ...(source4 !== undefined && { source4 }),
    ...(source6 !== undefined && { source6 }),
    ...(trusted !== undefined && { trusted }),
    ...(publishAddress !== undefined && { publishAddress }),
    ...(options["com.docker.network.bridge.inhibit_ipv4"] === true && { inhibitIpv4: true }),
  };
}

/**
 * Who can keep sandboxes apart: the firewall where it sees what passes between the bridge's ports. A bridge of ours is told to show it that whatever becomes
 * of the host's sysctls, so one family of them suffices; an existing one is as they are.
 */
function keeperOf(existing: boolean, filtered: readonly Family[]): Apart {
  return filtered.length > (existing ? 1 : 0) ? "firewall" : "ports";
}

/** A network's configuration on a host that has changed since it was made; undefined where nothing has. */
export function refresh(
  network: NetworkRecord,
  { filteredBridging }: NamespaceFacts,
): { readonly config: BridgeConfig; readonly why: string } | undefined {
  const config = configOf(network);
  if (config.apart === undefined) return undefined;
  const apart = keeperOf(config.mac === undefined, filteredBridging);
  if (apart === config.apart) return undefined;
  const sees = apart === "firewall" ? "sees" : "no longer sees";
  return { config: { ...config, apart }, why: `the host's firewall ${sees} what passes between the ports of bridges` };
}

/**
 * Families in which the host takes no address in the network: isolated ones, and where the bridge shall have none of an internal network, which has no use
 * for a gateway either.
 */
export function withoutGateway({ options, internal }: Pick<NetworkRequest, "options" | "internal">): readonly Family[] {
  const read = readOptions("bridge", "network", networkOptions, options);
  const inhibited = internal && read["com.docker.network.bridge.inhibit_ipv4"] === true;
  return ([4, 6] as const).filter(
    (family) =>
      read[`com.docker.network.bridge.gateway_mode_ipv${family}`] === "isolated" || (family === 4 && inhibited),
  );
}

const defaultLink = ({ id, name }: NetworkRequest): string =>
  name === predefined.network ? predefined.link : `br-${id.slice(0, 12)}`;

function checkFamilies({ enableIpv4, enableIpv6 }: NetworkRequest, object: string): void {
  if (enableIpv4 || enableIpv6) return;
  throw new PortolanError("invalid-argument", "a bridge network needs IPv4 or IPv6", {
    object,
    advice: "enable at least one of them, or use the none network",
  });
}

function checkSubnets(request: NetworkRequest, others: readonly NetworkRecord[], object: string): void {
  const subnets = request.ipam.pools.map((pool) => pool.subnet);
  for (const family of [4, 6] as const) {
    const enabled = family === 4 ? request.enableIpv4 : request.enableIpv6;
    const [first, second] = subnets.filter((subnet) => cidrFamily(subnet) === family);
    if (second !== undefined) {
      throw new PortolanError(
        "invalid-argument",
        `a bridge network has one IPv${family} subnet, not ${first} and ${second}`,
        {
          object,
          advice: "make a network for each subnet",
        },
      );
    }
    if (enabled !== (first !== undefined)) throw familyMismatch(family, first, object);
  }
  for (const subnet of subnets) {
    if (overlaps(multicast, subnet) || overlaps(linkLocal, subnet)) {
      throw new PortolanError("invalid-argument", `${subnet} cannot be a network's subnet`, {
        object,
        reason: "multicast addresses (ff00::/8) and fe80::/64, which every link has, are not a network's to give",
        advice: "give a unique local subnet such as fd00:1::/64",
      });
    }
    const other = others.find(({ ipam }) => ipam.pools.some((pool) => overlaps(pool.subnet, subnet)));
    if (other) {
      throw new PortolanError("pool-overlap", `${subnet} overlaps the subnet of network "${other.name}"`, {
        object,
        advice: "give another subnet, or none to have one chosen",
      });
    }
  }
}

function familyMismatch(family: 4 | 6, subnet: Subnet | undefined, object: string): PortolanError {
  return subnet === undefined
    ? new PortolanError("invalid-argument", `a bridge network with IPv${family} needs an IPv${family} subnet`, {
        object,
        advice: "use an IPAM driver that gives out addresses, such as default",
      })
    : new PortolanError("invalid-argument", `${subnet} is given, but IPv${family} is not enabled`, {
        object,
        advice: `enable IPv${family}, or leave the subnet out`,
      });
}

/** What depends on whether a link of that name is there: ours gets a MAC of its own, an existing one is used as it is. */
function deviceOf(
  bridge: string,
  request: NetworkRequest,
  { host }: ConfigureContext,
): Pick<BridgeConfig, "mac" | "keptAddresses"> {
  const existing = host.links.find((link) => link.name === bridge);
  // A bridge without a fixed MAC takes the lowest of its ports', so that the containers' gateway would change with every
  // endpoint. The network's id is random already.
  if (existing === undefined) return { mac: localMac(Buffer.from(request.id.slice(0, 12), "hex")) };
  if (existing.type !== "bridge") {
    throw new PortolanError("invalid-option", `the link ${bridge} is there, and it is no bridge`, {
      object: `link ${bridge} in the host`,
      reason: `its type is ${existing.type || "unknown"}`,
      advice: 'choose another name by the option "com.docker.network.bridge.name"',
    });
  }
  const there = new Set(
    host.addresses
      .filter((address) => address.link === bridge)
      .map(({ address, subnet }) => interfaceAddress(address, lengthOf(subnet))),
  );
  const wanted = request.ipam.pools.flatMap(({ gateway }) => (gateway ? [gateway] : []));
  return {
    keptAddresses: wanted.filter((gateway) => there.has(interfaceAddress(addressOf(gateway), lengthOf(gateway)))),
  };
}
