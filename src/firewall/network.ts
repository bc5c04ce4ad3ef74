/** What one bridge network adds to the firewall: elements, and the table that it shares with all others. */
import { addressOf, cidrFamily, lengthOf, type Subnet } from "../address/cidr.ts";
import type { IpAddress } from "../address/ip.ts";
import { nftElement } from "../state/nft/elements.ts";
import type { KernelObject, NftElement } from "../state/objects.ts";
import type { GatewayMode } from "./gateway-mode.ts";
import { into } from "./isolation.ts";
import { baseObjects, sets } from "./table.ts";

/** What the firewall needs to know of a bridge network. */
export interface NetworkFirewall {
  /** Name of the bridge link. */
  readonly bridge: string;
  /** Nothing leaves the network but to the host itself. */
  readonly internal: boolean;
  /** How its sandboxes reach each other: freely, or by published ports alone. */
  readonly among: "freely" | "by-published-ports";
  /** Interfaces of the host from which ports are reached at the sandboxes' own addresses. */
  readonly trusted: readonly string[];
  /** One of each family that the network has. */
  readonly subnets: readonly SubnetFirewall[];
}

export interface SubnetFirewall {
  readonly subnet: Subnet;
  readonly mode: GatewayMode;
  /** The address that what leaves the host has: its own, the one of the link it leaves by, or that very one. */
  readonly source: "own" | "masquerade" | IpAddress;
}

/** A subnet as an element's key; one of a single address is that address, as the kernel has it. */
function subnetKey(subnet: Subnet): NftElement["key"] {
  const whole = lengthOf(subnet) === (cidrFamily(subnet) === 4 ? 32 : 128);
  return [whole ? addressOf(subnet) : { prefix: subnet }];
}

/** Sets of a family. */
const ofFamily = {
  4: { into: sets.intoBridges4, masqueraded: sets.masqueraded4, sources: sets.sources4, hairpin: sets.hairpin4 },
  6: { into: sets.intoBridges6, masqueraded: sets.masqueraded6, sources: sets.sources6, hairpin: sets.hairpin6 },
} as const;

/** The objects that a network wants of the firewall. */
export function describeNetworkFirewall(network: NetworkFirewall): readonly KernelObject[] {
  const { bridge, internal, among, trusted, subnets } = network;
  return [
    ...baseObjects,
    nftElement(sets.bridges, [bridge]),
    // What comes back by a published port is no traffic of the network's own.
    nftElement(sets.betweenBridges, [bridge, bridge], [among === "freely" ? "accept" : into.nat]),
    ...([4, 6] as const).map((family) => {
      const own = subnets.find(({ subnet }) => cidrFamily(subnet) === family);
      const verdict = internal || own === undefined || own.mode === "isolated" ? into.nothing : into[own.mode];
      return nftElement(ofFamily[family].into, [bridge], [verdict]);
    }),
    ...(internal ? [nftElement(sets.internalBridges, [bridge])] : []),
    ...trusted.map((name) => nftElement(sets.trusted, [name, bridge])),
    ...(internal ? [] : subnets.flatMap(describeTranslation)),
  ];
}

/** What is translated of a subnet's traffic: where it leaves, and where it goes back into the subnet by a published port. */
function describeTranslation({ subnet, mode, source }: SubnetFirewall): readonly NftElement[] {
  const { masqueraded, sources, hairpin } = ofFamily[cidrFamily(subnet)];
  const key = subnetKey(subnet);
  const leaving =
    source === "own"
      ? []
      : [source === "masquerade" ? nftElement(masqueraded, key) : nftElement(sources, key, [source])];
  const published = mode === "nat" || mode === "nat-unprotected";
  return [...leaving, ...(published ? [nftElement(hairpin, [...key, ...key])] : [])];
}
