/** What one bridge network adds to the firewall: elements, and the table that it shares with all others. */
import { addressOf, cidrFamily, lengthOf, type Subnet } from "../address/cidr.ts";
import { nftElement } from "../state/nft/elements.ts";
import type { KernelObject, NftElement } from "../state/objects.ts";
import { baseObjects, sets } from "./table.ts";

/** What the firewall needs to know of a bridge network. */
export interface NetworkFirewall {
  /** Name of the bridge link. */
  readonly bridge: string;
  /** Nothing leaves the network but to the host itself. */
  readonly internal: boolean;
  readonly subnets: readonly Subnet[];
  /** Subnets whose traffic takes the host's address when it leaves. */
  readonly masqueraded: readonly Subnet[];
}

/** A subnet as an element's key; one of a single address is that address, as the kernel has it. */
function subnetKey(subnet: Subnet): NftElement["key"] {
  const whole = lengthOf(subnet) === (cidrFamily(subnet) === 4 ? 32 : 128);
  return [whole ? addressOf(subnet) : { prefix: subnet }];
}

/** The objects that a network wants of the firewall. */
export function describeNetworkFirewall({
  bridge,
  internal,
  subnets,
  masqueraded,
}: NetworkFirewall): readonly KernelObject[] {
  return [
    ...baseObjects,
    nftElement(sets.bridges, [bridge]),
    nftElement(sets.betweenBridges, [bridge, bridge], ["accept"]),
    ...(internal ? [nftElement(sets.internalBridges, [bridge])] : []),
    ...masqueraded.map((subnet) =>
      nftElement(cidrFamily(subnet) === 4 ? sets.masqueraded4 : sets.masqueraded6, subnetKey(subnet)),
    ),
    ...subnets.map((subnet) => {
      const key = subnetKey(subnet);
      return nftElement(cidrFamily(subnet) === 4 ? sets.hairpin4 : sets.hairpin6, [...key, ...key]);
    }),
  ];
}
