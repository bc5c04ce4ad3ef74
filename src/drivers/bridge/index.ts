/**
 * The `bridge` driver: a network is a bridge on the host that holds the gateway's addresses, an endpoint is a veth pair between the bridge
 * and the sandbox. Traffic leaves by the host's own routes, masqueraded; the firewall keeps networks apart.
 */
import { addressOf, cidrFamily, parseInterfaceAddress, type Subnet } from "../../address/cidr.ts";
import { localMac } from "../../address/mac.ts";
import { PortolanError } from "../../errors.ts";
import { describeNetworkFirewall, type SubnetFirewall } from "../../firewall/network.ts";
import type { FeatureName } from "../../state/engine.ts";
import type { BridgeLink, KernelObject, NamespaceRef, Sysctl, VethLink } from "../../state/objects.ts";
import type { EndpointRecord, NetworkRecord } from "../../store/records.ts";
import type { Driver, JoinDescription } from "../driver.ts";
import { endpointOptions, readEndpointOptions } from "../endpoint-options.ts";
import { checkInterfaceSysctls, describeInterface, interfaceAddressOf } from "../interface.ts";
import { type BridgeConfig, configOf, configure, modeOf, refresh, withoutGateway } from "./configure.ts";
import { networkOptions } from "./options.ts";
import { describePorts, proxied, publishing } from "./ports.ts";

const host = "host";

/**
 * The link-local address of every bridge with IPv6, as in libnetwork. The kernel needs one to ask for neighbours on behalf of forwarded
 * packets (ndisc_solicit); one that it makes itself could not be used for the second that duplicate address detection takes.
 */
const linkLocalGateway = parseInterfaceAddress("fe80::1/64");

const sysctl = (namespace: NamespaceRef, name: string, value: string): Sysctl => ({
  kind: "sysctl",
  namespace,
  name,
  value,
});

/** The bridge link, its own addresses and sysctls; nothing of these where the link was there before the network. */
function describeDevice({ enableIpv6 }: NetworkRecord, config: BridgeConfig): readonly KernelObject[] {
  const { bridge, mac, mtu, apart } = config;
  if (mac === undefined) return [];
  const link: BridgeLink = {
    kind: "link",
    namespace: host,
    type: "bridge",
    name: bridge,
    mac,
    ...(mtu !== undefined && { mtu }),
    up: true,
    addressGeneration: "none",
    ...(apart !== undefined && { ipFiltering: apart === "firewall" }),
  };
  if (!enableIpv6 || modeOf(config, 6) === "isolated")
    return [link, sysctl(host, `net/ipv6/conf/${bridge}/disable_ipv6`, "1")];
  return [
    link,
    sysctl(host, `net/ipv6/conf/${bridge}/accept_ra`, "0"),
    interfaceAddressOf(host, bridge, linkLocalGateway),
  ];
}

/** What makes the host a router for the network. Internal networks need none. */
function describeForwarding(network: NetworkRecord): readonly KernelObject[] {
  const { enableIpv4, enableIpv6, internal } = network;
  if (internal) return [];
  const config = configOf(network);
  const translated = enableIpv4 && modeOf(config, 4) !== "routed";
  return [
    // Without it the kernel sends nothing from 127.0.0.1 out of the bridge; the table's guard keeps it from being used the other way round. The network's, not its
    // publishing endpoints': what several endpoints wanted, nobody would know to be the last to want.
    ...(translated ? [sysctl(host, `net/ipv4/conf/${config.bridge}/route_localnet`, "1")] : []),
    ...(enableIpv4 ? [sysctl(host, "net/ipv4/ip_forward", "1")] : []),
    ...(enableIpv6 ? [sysctl(host, "net/ipv6/conf/all/forwarding", "1")] : []),
  ];
}

function describeNetwork(network: NetworkRecord): readonly KernelObject[] {
  const config = configOf(network);
  const { pools } = network.ipam;
  const gateways = pools
    .flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway]))
    .filter((gateway) => !(config.inhibitIpv4 && cidrFamily(gateway) === 4));
  return [
    ...describeDevice(network, config),
    ...gateways
      .filter((gateway) => !config.keptAddresses?.includes(gateway))
      .map((gateway) => interfaceAddressOf(host, config.bridge, gateway)),
    ...describeForwarding(network),
    ...describeNetworkFirewall({
      bridge: config.bridge,
      internal: network.internal,
      among: config.apart === undefined ? "freely" : "by-published-ports",
      trusted: config.trusted ?? [],
      subnets: pools.map(({ subnet }) => subnetFirewall(config, subnet)),
    }),
  ];
}

function subnetFirewall(config: BridgeConfig, subnet: Subnet): SubnetFirewall {
  const family = cidrFamily(subnet);
  const mode = modeOf(config, family);
  const chosen = (family === 4 ? config.source4 : config.source6) ?? "masquerade";
  return { subnet, mode, source: config.masquerade && mode !== "routed" ? chosen : "own" };
}

/** As many digits of the id as a name has room for: of seven, as libnetwork takes, two among a thousand endpoints are alike once in five hundred times. */
const hostEndDigits = 11;
/** Name of a veth pair's end on the host. */
const hostEnd = (endpoint: EndpointRecord): string => `veth${endpoint.id.slice(0, hostEndDigits)}`;

/** Settings of an endpoint's port of the bridge. */
function portOf({ apart }: BridgeConfig, { ports }: EndpointRecord): VethLink["port"] {
  return {
    // With br_netfilter a published port is translated on the way into the bridge: who asks for his own goes back where he came from.
    ...(ports !== undefined && { hairpin: true }),
    // One that publishes nothing has no reason to be reached from within, whoever keeps them apart.
    ...(apart !== undefined && { isolated: apart === "ports" || ports === undefined }),
  };
}

function describeVeth(
  config: BridgeConfig,
  { enableIpv6 }: NetworkRecord,
  endpoint: EndpointRecord,
  namespace: NamespaceRef,
  name: string,
): VethLink {
  const { bridge, mtu } = config;
  const port = portOf(config, endpoint);
  return {
    kind: "link",
    namespace: host,
    type: "veth",
    name: hostEnd(endpoint),
    ...(mtu !== undefined && { mtu }),
    up: true,
    master: bridge,
    // A bridge port with an IPv6 address would answer for the bridge, and tell the network about itself.
    addressGeneration: "none",
    ...(port !== undefined && Object.keys(port).length > 0 && { port }),
    peer: {
      namespace,
      name,
      ...(endpoint.mac !== undefined && { mac: endpoint.mac }),
      ...(mtu !== undefined && { mtu }),
      up: true,
      ...(!enableIpv6 && { addressGeneration: "none" as const }),
    },
  };
}

function describeJoin(network: NetworkRecord, endpoint: EndpointRecord, namespace: NamespaceRef): JoinDescription {
  const object = `endpoint "${endpoint.name}" of network "${network.name}"`;
  if (namespace === host) {
    throw new PortolanError("forbidden", "a sandbox on the host's own stack joins no bridge network", {
      object,
      advice: "the host reaches the network by its gateway address already",
    });
  }
  if (endpoint.join === undefined) throw new PortolanError("internal", `${object} is described before it joins`);
  const { interfaceName } = endpoint.join;
  const config = configOf(network);
  const objects: readonly KernelObject[] = [
    describeVeth(config, network, endpoint, namespace, interfaceName),
    ...describeInterface(network, endpoint, namespace, interfaceName, config),
    ...describePorts(network, endpoint),
  ];
  return { objects, ...(network.internal ? {} : gatewaysOf(network)) };
}

/** Names of auxiliary addresses that libnetwork takes for the sandboxes' gateway, where that is somebody else than the bridge. */
const otherGateway = { 4: "DefaultGatewayIPv4", 6: "DefaultGatewayIPv6" } as const;

/** The default gateways that a network offers. */
function gatewaysOf({ ipam }: NetworkRecord): Pick<JoinDescription, "gatewayIpv4" | "gatewayIpv6"> {
  const gateway = (family: 4 | 6) => {
    const pool = ipam.pools.find(({ subnet }) => cidrFamily(subnet) === family);
    return pool?.auxAddresses[otherGateway[family]] ?? (pool?.gateway && addressOf(pool.gateway));
  };
  const [gatewayIpv4, gatewayIpv6] = [gateway(4), gateway(6)];
  return { ...(gatewayIpv4 && { gatewayIpv4 }), ...(gatewayIpv6 && { gatewayIpv6 }) };
}

function requires({ enableIpv6 }: Pick<NetworkRecord, "enableIpv6">): readonly FeatureName[] {
  return [
    "bridge",
    "veth",
    "nft-maps",
    "nft-nat",
    "nft-masquerade",
    "policy-rules",
    "nft-fib",
    ...(enableIpv6 ? (["ipv6"] as const) : []),
  ];
}

export const bridge: Driver = {
  name: "bridge",
  scope: "local",
  singleton: false,
  addressed: true,
  networkOptions: Object.keys(networkOptions),
  endpointOptions: Object.keys(endpointOptions),
  requires,
  configure,
  refresh,
  withoutGateway,
  publishing,
  proxied,
  describeNetwork,
  readEndpoint(network, endpoint) {
    const settings = readEndpointOptions("bridge", endpoint.options);
    checkInterfaceSysctls(network, settings.sysctls);
    return settings;
  },
  duplicatesOn(network) {
    const { bridge, detectDuplicates } = configOf(network);
    return detectDuplicates ? { namespace: host, link: bridge } : undefined;
  },
  chooseMac: localMac,
  interfacePrefix: (network) => configOf(network).interfacePrefix,
  describeJoin,
};
