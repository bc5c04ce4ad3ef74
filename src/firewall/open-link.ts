/** Links of the host behind which containers are that nobody keeps apart, as behind the bridges of CNI's plugins: the firewall lets everything pass, and translates. */
import { addressOf, cidrFamily, type InterfaceAddress, lengthOf, subnetOf } from "../address/cidr.ts";
import { familyOf, type IpAddress } from "../address/ip.ts";
import { remembering } from "../memo.ts";
import { nftElement } from "../state/nft/elements.ts";
import type { KernelObject, NftElement } from "../state/objects.ts";
import { sets } from "./table.ts";

/** What makes a link known to the firewall, whose table is there: what goes out of it keeps its source address, but for published ports, and nothing is dropped. */
export const describeOpenLink: (link: string) => readonly KernelObject[] = remembering(64, (link) => [
  nftElement(sets.bridges, [link]),
  nftElement(sets.betweenBridges, [link, link], ["accept"]),
  nftElement(sets.intoBridges4, [link], ["accept"]),
  nftElement(sets.intoBridges6, [link], ["accept"]),
]);

/** Keeps a link apart: what comes from other links behind which containers are does not get there, but for published ports. */
export const describeApart = (link: string): NftElement => nftElement(sets.apart, [link]);

/** What leaves the host from this address takes the host's own. */
export const describeMasqueraded = (address: IpAddress): NftElement =>
  nftElement(familyOf(address) === 4 ? sets.masqueraded4 : sets.masqueraded6, [address]);

/** What comes from an address's own subnet, or from everywhere, to it by a published port goes back by the host, which translated it. */
export function describeHairpin(address: InterfaceAddress, fromEverywhere: boolean): NftElement {
  const family = cidrFamily(address);
  const inside = addressOf(address);
  const whole = lengthOf(address) === (family === 4 ? 32 : 128);
  const subnet = whole ? inside : { prefix: subnetOf(inside, lengthOf(address)) };
  const from = fromEverywhere ? { prefix: family === 4 ? "0.0.0.0/0" : "::/0" } : subnet;
  return nftElement(family === 4 ? sets.hairpin4 : sets.hairpin6, [from, inside]);
}
