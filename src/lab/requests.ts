/** What is asked of the engine: for what the file says, and for what was there before, when a failed change is taken back. */
import { isDeepStrictEqual } from "node:util";
import { addressOf } from "../address/cidr.ts";
import { parsePort, portMapOption, portText } from "../address/port.ts";
import { routeText } from "../address/static-route.ts";
import type {
  EndpointInfo,
  EndpointSpec,
  JoinSpec,
  NetworkInfo,
  NetworkSpec,
  SandboxInfo,
  SandboxSpec,
} from "../model/types.ts";
import { topologyLabel } from "./differences.ts";
import type { Attachment, TopologyNetwork, TopologySandbox } from "./topology.ts";

/** The network that a file describes, marked as the topology's. */
export function networkSpec(topology: string, network: TopologyNetwork): NetworkSpec {
  const { name, driver, internal, ipv4, ipv6, subnets, options, labels } = network;
  return {
    name,
    driver,
    internal,
    enableIpv4: ipv4,
    enableIpv6: ipv6,
    ...(subnets.length > 0 && { ipam: { pools: subnets.map((subnet) => ({ subnet })) } }),
    options,
    labels: { ...labels, [topologyLabel]: topology },
  };
}

/** The network that was there, with the very subnets it had. */
export function networkSpecOf(info: NetworkInfo): NetworkSpec {
  const { name, driver, internal, attachable, enableIpv4, enableIpv6, options, labels, ipam } = info;
  return {
    name,
    driver,
    internal,
    attachable,
    enableIpv4,
    enableIpv6,
    ipam: { driver: ipam.driver, options: ipam.options, pools: ipam.pools },
    options,
    labels,
  };
}

/** The sandbox that a file describes, marked as the topology's. */
export function sandboxSpec(topology: string, { name, hostname, naming, labels }: TopologySandbox): SandboxSpec {
  return {
    name,
    ...(hostname !== undefined && { hostname }),
    ...naming,
    labels: { ...labels, [topologyLabel]: topology },
  };
}

/** The sandbox that was there. */
export function sandboxSpecOf(info: SandboxInfo): SandboxSpec {
  const { name, hostname, domainname, nameservers, searchDomains, resolverOptions, extraHosts, links, labels } = info;
  return {
    name,
    ...(hostname !== undefined && { hostname }),
    ...(domainname !== undefined && { domainname }),
    nameservers,
    searchDomains,
    resolverOptions,
    extraHosts,
    links,
    labels,
  };
}

/** The endpoint that a file describes. */
export function endpointSpec(attachment: Attachment): EndpointSpec & JoinSpec {
  const { ipv4, ipv6, mac, interfaceName, linkLocal, routes, aliases, publish, priority, options } = attachment;
  return {
    ...(ipv4 && { ipv4 }),
    ...(ipv6 && { ipv6 }),
    ...(mac && { mac }),
    ...(interfaceName !== undefined && { interfaceName }),
    linkLocal: linkLocal.map(addressOf),
    routes: routes.map(routeText),
    aliases,
    publish,
    options,
    gatewayPriority: priority,
  };
}

/** What was published: each wish with the port of the host that it was given, where it was given one. */
function publishedAsWas({ publish, ports }: EndpointInfo): readonly string[] {
  const rest = [...ports];
  return publish.map((text) => {
    const { protocol, address, container } = parsePort(text);
    const [next] = rest;
    if (next?.protocol !== protocol || !isDeepStrictEqual(next.container, container)) return text;
    if (address !== undefined && address !== next.address) return text;
    rest.shift();
    return portText(next);
  });
}

/** The endpoint that was there; with its addresses, which only networks with a chosen subnet allow, or without. */
export function endpointSpecOf(
  info: EndpointInfo,
  addresses: "with-addresses" | "any-addresses",
): EndpointSpec & JoinSpec {
  const { name, mac, interfaceName, linkLocal, routes, aliases, labels, gatewayPriority, ipv4, ipv6 } = info;
  // What is published tells what the option asked for.
  const { [portMapOption]: _, ...options } = info.options;
  return {
    name,
    ...(addresses === "with-addresses" && {
      ...(ipv4 && { ipv4: addressOf(ipv4) }),
      ...(ipv6 && { ipv6: addressOf(ipv6) }),
    }),
    ...(mac && { mac }),
    ...(interfaceName !== undefined && { interfaceName }),
    linkLocal: linkLocal.map(addressOf),
    routes: routes.map(routeText),
    aliases,
    publish: publishedAsWas(info),
    options,
    labels,
    gatewayPriority: gatewayPriority ?? 0,
  };
}
