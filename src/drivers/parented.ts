/** What macvlan and ipvlan have in common: options, configuration, the interface inside, gateways. */
import { addressOf, cidrFamily } from "../address/cidr.ts";
import type { Family } from "../address/ip.ts";
import { PortolanError } from "../errors.ts";
import type { NamespaceRef } from "../state/objects.ts";
import type { EndpointRecord, NetworkRecord } from "../store/records.ts";
import type { JoinDescription } from "./driver.ts";
import { familyOptions, type ReadOptions, readBoolean, readLinkPrefix, readMtu, readWithin } from "./options.ts";
import { type Parent, readParent } from "./parent.ts";

/** Options of both, by libnetwork's keys. */
export const parentedOptions = {
  parent: readParent,
  "com.docker.network.driver.mtu": readMtu,
  "com.docker.network.container_iface_prefix": readLinkPrefix,
  [familyOptions[4]]: readBoolean,
  [familyOptions[6]]: readBoolean,
  "com.docker.network.advertise_addr_nmsgs": readWithin(0, 3),
  "com.docker.network.advertise_addr_ms": readWithin(100, 2000),
} as const;

/** What a record keeps in `config`, whichever of the two it is of. */
export type ParentedConfig = Parent & {
  /** Bytes, of all endpoints; absent: the parent's. */
  readonly mtu?: number;
  /** Prefix of interface names inside. */
  readonly interfacePrefix: string;
  /** How often, and how long from one time to the next, milliseconds, the link is told of an endpoint's addresses; absent: never. */
  readonly announce?: { readonly messages: number; readonly interval: number };
};

/** libnetwork's defaults. */
const announcements = { messages: 3, interval: 1000 } as const;

/** The configuration that options of both make. */
export function parentedConfig(options: ReadOptions<typeof parentedOptions>, parent: Parent): ParentedConfig {
  const mtu = options["com.docker.network.driver.mtu"];
  const messages = options["com.docker.network.advertise_addr_nmsgs"] ?? announcements.messages;
  const interval = options["com.docker.network.advertise_addr_ms"] ?? announcements.interval;
  return {
    ...parent,
    ...(mtu !== undefined && { mtu }),
    interfacePrefix: options["com.docker.network.container_iface_prefix"] ?? "eth",
    ...(messages > 0 && { announce: { messages, interval } }),
  };
}

/** Where the interface is to be; throws `forbidden` for the host's own stack. */
export function placeInside(
  network: NetworkRecord,
  endpoint: EndpointRecord,
  namespace: NamespaceRef,
): { readonly namespace: `/${string}`; readonly name: string } {
  const object = `endpoint "${endpoint.name}" of network "${network.name}"`;
  if (namespace === "host") {
    throw new PortolanError("forbidden", `a sandbox on the host's own stack joins no ${network.driver} network`, {
      object,
      advice: "the host is on the parent's network already",
    });
  }
  if (endpoint.join === undefined) throw new PortolanError("internal", `${object} is described before it joins`);
  return { namespace, name: endpoint.join.interfaceName };
}

/** The gateways of the network's subnets; none where nothing leads out of it. */
export function gatewaysOf(
  { internal, ipam }: NetworkRecord,
  { nowhere }: Parent,
): Pick<JoinDescription, "gatewayIpv4" | "gatewayIpv6"> {
  if (internal || nowhere !== undefined) return {};
  const gateway = (family: Family) => {
    const found = ipam.pools.find(({ subnet }) => cidrFamily(subnet) === family)?.gateway;
    return found && addressOf(found);
  };
  const [gatewayIpv4, gatewayIpv6] = [gateway(4), gateway(6)];
  return { ...(gatewayIpv4 && { gatewayIpv4 }), ...(gatewayIpv6 && { gatewayIpv6 }) };
}
