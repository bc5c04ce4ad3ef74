/** What the ports of an endpoint mean in its network's gateway modes: translated from ports of the host, or opened at its own address. */
import { addressOf, cidrFamily } from "../../address/cidr.ts";
import { type Family, familyOf } from "../../address/ip.ts";
import { describeOpened } from "../../firewall/opened.ts";
import { describePublished } from "../../firewall/published.ts";
import type { NftElement } from "../../state/objects.ts";
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

/** The firewall's elements for an endpoint's ports. */
export function describePorts(network: NetworkRecord, endpoint: EndpointRecord): readonly NftElement[] {
  const config = configOf(network);
  const { ports = [], opened = [], ipv4, ipv6 } = endpoint;
  const routed = (family: Family): boolean => modeOf(config, family) === "routed";
  const published = describePublished({
    ...(ipv4 !== undefined && !routed(4) && { ipv4 }),
    ...(ipv6 !== undefined && !routed(6) && { ipv6 }),
    ports,
  });
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
  return [...published, ...own];
}
