/** Where what is to be published goes: to ports of the host, or, in families that are routed, to ports that are open at the endpoint's own address. */
import { type Family, familyOf, type IpAddress } from "../address/ip.ts";
import type { OpenedPort, PortWish } from "../address/port.ts";
import type { Publishing } from "../drivers/driver.ts";
import { PortolanError } from "../errors.ts";
import type { NetworkRecord } from "../store/records.ts";

/** Ports of the host to take, and ports to open. */
export interface Placed {
  readonly published: readonly PortWish[];
  readonly opened: readonly OpenedPort[];
}

/**
 * Sorts what is to be published in a network: a wish without an address of the host gets the network's default one, or the engine's (`fallback`), as if it
 * had been written. Of a routed family the address says no more than the family, and the host's port nothing. An IPv6 address leads into a network without
 * IPv6 by the proxy. Throws `forbidden` where the network publishes nothing, `invalid-argument` for an address that leads nowhere in it.
 */
export function placePorts(
  network: NetworkRecord,
  publishing: Publishing | undefined,
  wishes: readonly PortWish[],
  fallback: IpAddress | undefined,
): Placed {
  if (wishes.length === 0) return { published: [], opened: [] };
  if (publishing === undefined) throw publishesNothing(network);
  const families = ([4, 6] as const).filter((family) => (family === 4 ? network.enableIpv4 : network.enableIpv6));
  const standard = publishing.address ?? fallback;
  const published: PortWish[] = [];
  const opened: OpenedPort[] = [];
  for (const asked of wishes) {
    const address = asked.address ?? standard;
    const wish: PortWish = { ...asked, ...(address !== undefined && { address }) };
    const concerned = address === undefined ? families : families.filter((family) => family === familyOf(address));
    if (concerned.length === 0 && isProxied(wish, publishing, families)) {
      published.push(wish);
      continue;
    }
    if (address !== undefined && concerned.length === 0)
      throw leadsNowhere(network, address, asked.address === undefined);
    const routed = concerned.filter((family) => publishing.routed.includes(family));
    const { protocol, container } = wish;
    opened.push(...routed.map((family): OpenedPort => ({ protocol, family, container })));
    if (routed.length < concerned.length) published.push(wish);
  }
  return { published, opened };
}

/** Whether the proxy leads from the host's IPv6 address to the network's IPv4. */
const isProxied = ({ protocol, address }: PortWish, { routed }: Publishing, families: readonly Family[]): boolean =>
  protocol !== "sctp" && address?.includes(":") === true && families.some((one) => one === 4 && !routed.includes(one));

function publishesNothing({ name, driver, internal }: NetworkRecord): PortolanError {
  const why = internal ? "it is internal" : `it is a ${driver} network`;
  return new PortolanError("forbidden", `${name} publishes no ports: ${why}`, {
    object: `network "${name}"`,
    advice: "publish the ports in a bridge network that is not internal",
  });
}

function leadsNowhere({ name }: NetworkRecord, address: IpAddress, isDefault: boolean): PortolanError {
  const family: Family = familyOf(address);
  return new PortolanError("invalid-argument", `${address} leads to no address in ${name}`, {
    object: `network "${name}"`,
    reason: `the network has no IPv${family}${isDefault ? `, and ${address} is the default address for published ports` : ""}`,
    advice: "publish on an address of a family that the network has",
  });
}
