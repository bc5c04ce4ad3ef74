/** What an endpoint's published ports are on the host: sockets that hold them, and an element for each port, or for a row of ports that keep their numbers. */
import { addressOf, type InterfaceAddress } from "../address/cidr.ts";
import { type Family, familyOf, type IpAddress } from "../address/ip.ts";
import { countOf, type PublishedPort } from "../address/port.ts";
import { nftElement } from "../state/nft/elements.ts";
import type { NftElement, NftKeyPart, Port } from "../state/objects.ts";
import { sets } from "./table.ts";

/** What the firewall needs to know of an endpoint. */
export interface Publisher {
  readonly ipv4?: InterfaceAddress;
  readonly ipv6?: InterfaceAddress;
  readonly ports?: readonly PublishedPort[];
}

/** Sets of a family, and all its addresses. */
const ofFamily = {
  4: { one: sets.published4, anywhere: sets.publishedAnywhere4, rows: sets.publishedRows4, all: "0.0.0.0/0" },
  6: { one: sets.published6, anywhere: sets.publishedAnywhere6, rows: sets.publishedRows6, all: "::/0" },
} as const;

/** The elements of all ports, in the families that the endpoint has and the host's address is of. */
export function describePublished({ ipv4, ipv6, ports = [] }: Publisher): readonly NftElement[] {
  const inside = [ipv4, ipv6].flatMap((cidr) => (cidr === undefined ? [] : addressOf(cidr)));
  return ports.flatMap((port) =>
    inside
      .filter((address) => port.address === undefined || familyOf(port.address) === familyOf(address))
      .flatMap((address) => elementsOf(port, address, familyOf(address))),
  );
}

/** The ports of the host that they take. */
export function describeHeld({ ports = [] }: Publisher): readonly Port[] {
  return ports.map(({ protocol, address, host }) => ({
    kind: "port",
    protocol,
    ...(address !== undefined && { address }),
    ...host,
  }));
}

function elementsOf(port: PublishedPort, inside: IpAddress, family: Family): readonly NftElement[] {
  const { protocol, address, host, container } = port;
  const { one, anywhere, rows, all } = ofFamily[family];
  const count = countOf(host);
  if (count > 1 && host.first === container.first) {
    const where: NftKeyPart = address ?? { prefix: all };
    return [nftElement(rows, [where, protocol, { from: String(host.first), to: String(host.last) }], [inside])];
  }
  return Array.from({ length: count }, (_, at) => {
    const key = [protocol, String(host.first + at)];
    const data = [inside, String(container.first + at)];
    return address === undefined ? nftElement(anywhere, key, data) : nftElement(one, [address, ...key], data);
  });
}
