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
import { localMac, type MacAddress } from "../../address/mac.ts";
import { PortolanError } from "../../errors.ts";
import type { NetworkRecord } from "../../store/records.ts";
import type { ConfigureContext, NetworkRequest } from "../driver.ts";
import { readOptions } from "../options.ts";
import { networkOptions } from "./options.ts";

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
};

/** The configuration of a bridge network. */
export function configOf(network: NetworkRecord): BridgeConfig {
  // The bridge driver's own `configure` made it.
  return network.config as BridgeConfig;
}

/** Name of the predefined network, and of its link, which libnetwork calls docker0. */
export const predefined = { network: "bridge", link: "portolan0" } as const;

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

  const bridge = options["com.docker.network.bridge.name"] ?? defaultLink(request);
  const holder = others.find((other) => configOf(other).bridge === bridge);
  if (holder || (bridge === predefined.link && request.name !== predefined.network)) {
    throw new PortolanError("in-use", `the link ${bridge} belongs to network "${holder?.name ?? predefined.network}"`, {
      object,
      advice: 'choose another name by the option "com.docker.network.bridge.name", or leave it out',
    });
  }

  const mtu = options["com.docker.network.driver.mtu"];
  return {
    bridge,
    ...deviceOf(bridge, request, context),
    ...(mtu !== undefined && { mtu }),
    masquerade: !request.internal && (options["com.docker.network.bridge.enable_ip_masquerade"] ?? true),
    interfacePrefix: options["com.docker.network.container_iface_prefix"] ?? "eth",
  };
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
