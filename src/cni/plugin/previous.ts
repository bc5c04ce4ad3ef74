/** What a previous result says of the container's interface. */
import { cidrFamily, type InterfaceAddress, parseInterfaceAddress } from "../../address/cidr.ts";
import type { CniResult, ResultIp } from "../protocol/result.ts";

/** The addresses of the container's interface of that name; those of no interface are its own as well. */
export const containerIps = ({ interfaces, ips }: CniResult, name: string): readonly ResultIp[] =>
  ips.filter(({ interface: at }) => {
    const link = at === undefined ? undefined : interfaces[at];
    return link === undefined || (link.name === name && (link.sandbox ?? "") !== "");
  });

/** The first address of each family. */
export function containerAddresses(previous: CniResult, name: string): readonly InterfaceAddress[] {
  const addresses = containerIps(previous, name).map(({ address }) => parseInterfaceAddress(address));
  return ([4, 6] as const).flatMap((family) => addresses.find((one) => cidrFamily(one) === family) ?? []);
}
