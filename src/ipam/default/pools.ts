/** Which subnets are chosen when nobody asks for one, and in which order. */
import { parseSubnet, rangeOf } from "../../address/cidr.ts";
import { bytesToIp, type Family } from "../../address/ip.ts";

/** A stretch of addresses that is cut into subnets of one size. */
export interface Supply {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  /** Prefix length of the subnets. */
  readonly length: number;
}

function supply(text: string, family: Family, length: number): Supply {
  return { family, ...rangeOf(parseSubnet(text)), length };
}

/**
 * RFC 1918, as /24s: 65,000 of them and more. The upper half of 10/8 comes first, because offices, clouds and VPNs number from below;
 * 172.16/12 is last, because Docker takes its own networks from there; 192.168/16 before it, without the two that every home router has.
 */
const ipv4Supplies: readonly Supply[] = [
  supply("10.128.0.0/9", 4, 24),
  supply("10.0.0.0/9", 4, 24),
  { ...supply("192.168.0.0/16", 4, 24), first: rangeOf(parseSubnet("192.168.2.0/24")).first },
  supply("172.16.0.0/12", 4, 24),
];

/** The supplies of a host; IPv6 is its unique local /48 (RFC 4193 §3.1: fd, then the global id) as /64s. */
export function suppliesOf(globalId: Uint8Array): Readonly<Record<Family, readonly Supply[]>> {
  const prefix = new Uint8Array(16);
  prefix[0] = 0xfd;
  prefix.set(globalId.subarray(0, 5), 1);
  return { 4: ipv4Supplies, 6: [supply(`${bytesToIp(prefix)}/48`, 6, 64)] };
}
