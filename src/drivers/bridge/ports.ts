/** What the ports of an endpoint mean in its network's gateway modes: translated from ports of the host, or opened at its own address. */
import { addressOf, cidrFamily } from "../../address/cidr.ts";
import { type Family, familyOf } from "../../address/ip.ts";
import type { ProxiedPort } from "../../address/port.ts";
import { describeOpened } from "../../firewall/opened.ts";
import { describeProxied, proxiedPorts } from "../../firewall/proxied.ts";
import { describeHeld, describePublished, type Publisher } from "../../firewall/published.ts";
import type { KernelObject } from "../../state/objects.ts";
import type { EndpointRecord, NetworkRecord } from "../../store/records.ts";
import type { Publishing } from "../driver.ts";
import { configOf, modeOf } from "./configure.ts";

/** How a network's endpoints publish ports; undefined for an internal one. */
export function publishing(network: NetworkRecord): Publishing | undefined {
  if (network.internal) return undefined;
  const config = configOf(network);
  const { publishAddress } = config;
  return {
    routed: ([4, 6] as const).filter((family) => modeOf(config, family) === "routed"),
    ...(publishAddress !== undefined && { address: publishAddress }),
  };
}

/** An endpoint with the addresses to which ports of the host lead. */
function publisherOf(network: NetworkRecord, { ipv4, ipv6, ports = [] }: EndpointRecord): Publisher {
  const config = configOf(network);
  return {
    ...(ipv4 !== undefined && modeOf(config, 4) !== "routed" && { ipv4 }),
    ...(ipv6 !== undefined && modeOf(config, 6) !== "routed" && { ipv6 }),
    ports,
  };
}

/** The ports of an endpoint that the kernel does not lead to it for all clients. By a family that is routed nobody comes by the host's addresses. */
export function proxied(network: NetworkRecord, endpoint: EndpointRecord): readonly ProxiedPort[] {
  const publisher = publisherOf(network, endpoint);
  return endpoint.ipv6 !== undefined && publisher.ipv6 === undefined ? [] : proxiedPorts(publisher);
}

/** What an endpoint's ports are on the host: held ones, unless a container runtime asked for them and may hold them itself, and the firewall's elements. */
export function describePorts(network: NetworkRecord, endpoint: EndpointRecord): readonly KernelObject[] {
  const config = configOf(network);
  const { ports = [], opened = [], ipv4, ipv6 } = endpoint;
  const routed = (family: Family): boolean => modeOf(config, family) === "routed";
  const publisher = publisherOf(network, endpoint);
  const own = [ipv4, ipv6].flatMap((cidr) => {
    if (cidr === undefined) return [];
    const family = cidrFamily(cidr);
    if (routed(family))
      return describeOpened(
        addressOf(cidr),
        opened.filter((one) => one.family === family),
      );
    if (config.trusted === undefined) return [];
    const trusted = ports.filter(({ address }) => address === undefined || familyOf(address) === family);
    return describeOpened(addressOf(cidr), trusted);
  });
  return [
    ...(endpoint.attachment === undefined ? describeHeld(publisher) : []),
    ...describePublished(publisher),
    ...describeProxied(proxied(network, endpoint)),
    ...own,
  ];
}
