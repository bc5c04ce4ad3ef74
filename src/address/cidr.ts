/** Subnets and interface addresses in CIDR notation, canonical as text. */
import { PortolanError } from "../errors.ts";
import { bytesToIp, type Family, familyOf, type IpAddress, ipToBytes, ipToNumber, parseIp } from "./ip.ts";

declare const brand: unique symbol;
/** A subnet, host bits zero: `10.1.0.0/16`, `fd00::/64`. */
export type Subnet = `${string}/${number}` & { readonly [brand]: "subnet" };
/** An address with the prefix length of its subnet: `10.1.0.7/16`. */
export type InterfaceAddress = `${string}/${number}` & { readonly [brand]: "interface" };

/** Splits `ADDRESS/LENGTH`; throws `invalid-argument`. */
function split(text: string): { address: IpAddress; length: number } {
  const slash = text.lastIndexOf("/");
  const digits = text.slice(slash + 1);
  const address = slash > 0 ? parseIp(text.slice(0, slash)) : undefined;
  const length = /^(0|[1-9]\d{0,2})$/.test(digits) ? Number(digits) : Number.NaN;
  if (address === undefined || !(length <= (familyOf(address) === 4 ? 32 : 128))) {
    throw new PortolanError("invalid-argument", `"${text}" is not in CIDR notation`, {
      advice: "give an address and a prefix length, such as 10.1.0.0/16 or fd00:1::/64",
    });
  }
  return { address, length };
}

/** Parses a subnet and clears its host bits; throws `invalid-argument`. */
export function parseSubnet(text: string): Subnet {
  const { address, length } = split(text);
  return subnetOf(address, length);
}

/** Parses an address with prefix length, host bits kept; throws `invalid-argument`. */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const { address, length } = split(text);
  return interfaceAddress(address, length);
}

/** An address with a prefix length. */
export function interfaceAddress(address: IpAddress, length: number): InterfaceAddress {
  return `${address}/${length}` as InterfaceAddress;
}

/** The subnet of that prefix length that holds `address`. */
export function subnetOf(address: IpAddress, length: number): Subnet {
  const bytes = ipToBytes(address);
  for (let i = 0; i < bytes.length; i++) {
    const kept = Math.min(8, Math.max(0, length - i * 8));
    bytes[i] = (bytes[i] ?? 0) & (0xff << (8 - kept));
  }
  return `${bytesToIp(bytes)}/${length}` as Subnet;
}

/** The address part. */
export function addressOf(cidr: Subnet | InterfaceAddress): IpAddress {
  return cidr.slice(0, cidr.lastIndexOf("/")) as IpAddress;
}

/** The prefix length in bits. */
export function lengthOf(cidr: Subnet | InterfaceAddress): number {
  return Number(cidr.slice(cidr.lastIndexOf("/") + 1));
}

/** The family of a subnet or interface address. */
export function cidrFamily(cidr: Subnet | InterfaceAddress): Family {
  return cidr.includes(":") ? 6 : 4;
}

/** First and last address of a subnet, as numbers. */
export function rangeOf(subnet: Subnet): { readonly first: bigint; readonly last: bigint } {
  const bits = (cidrFamily(subnet) === 4 ? 32 : 128) - lengthOf(subnet);
  const first = ipToNumber(addressOf(subnet));
  return { first, last: first + (1n << BigInt(bits)) - 1n };
}

/** Whether `address` lies in `subnet`; false for another family. */
export function contains(subnet: Subnet, address: IpAddress): boolean {
  return cidrFamily(subnet) === familyOf(address) && subnetOf(address, lengthOf(subnet)) === subnet;
}

/** Whether two subnets share an address; false for different families. */
export function overlaps(a: Subnet, b: Subnet): boolean {
  if (cidrFamily(a) !== cidrFamily(b)) return false;
  return lengthOf(a) <= lengthOf(b) ? contains(a, addressOf(b)) : contains(b, addressOf(a));
}
