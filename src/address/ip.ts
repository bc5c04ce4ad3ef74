/**
 * Internet addresses as values: parsed once at the edge into canonical text (RFC 5952 for IPv6), so that inside the
 * engine two equal addresses are equal strings. No zone ids, no shorthand or octal IPv4.
 */
import ipaddr from "ipaddr.js";
import { PortolanError } from "../errors.ts";

declare const brand: unique symbol;
/** Canonical dotted quad. */
export type Ipv4Address = string & { readonly [brand]: "ipv4" };
/** Canonical RFC 5952 text. */
export type Ipv6Address = string & { readonly [brand]: "ipv6" };
export type IpAddress = Ipv4Address | Ipv6Address;
export type Family = 4 | 6;

/** Parses an IPv4 or IPv6 address; throws `invalid-argument`. */
export function parseIp(text: string): IpAddress {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text as Ipv4Address;
  if (isIpv6(text)) return bytesToIp(Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()));
  throw new PortolanError("invalid-argument", `"${text}" is not an IP address`, {
    advice: "give an address such as 192.0.2.7 or 2001:db8::7, without prefix length or zone",
  });
}

/**
 * Whether a text is an IPv6 address (RFC 4291 section 2.2). The library takes more for one: groups of more than four digits, and dotted ends as inet_aton(3) has them. Node's own
 * check takes ten milliseconds to load and to compile, which a plugin's call has no time for.
 */
function isIpv6(text: string): boolean {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || /[0-9a-f]{5}/i.test(text)) return false;
  const dotted = text.includes(".") ? text.slice(text.lastIndexOf(":") + 1) : undefined;
  return (dotted === undefined || ipaddr.IPv4.isValidFourPartDecimal(dotted)) && ipaddr.IPv6.isValid(text);
}

/** The family an address belongs to. */
export function familyOf(address: IpAddress): Family {
  return address.includes(":") ? 6 : 4;
}

/** Whether a link can have the address: it is not "any", no broadcast and no multicast. */
export function isAssignable(address: IpAddress): boolean {
  return !["0.0.0.0", "255.255.255.255", "::"].includes(address) && !/^(22[4-9]|23\d)\.|^ff/.test(address);
}

/** The address in network byte order: 4 or 16 bytes. */
export function ipToBytes(address: IpAddress): Uint8Array {
  if (familyOf(address) === 6) return Uint8Array.from(ipaddr.IPv6.parse(address).toByteArray());
  const bytes = new Uint8Array(4);
  let start = 0;
  for (let i = 0; i < 4; i++) {
    const dot = address.indexOf(".", start);
    bytes[i] = Number(address.slice(start, dot === -1 ? undefined : dot));
    start = dot + 1;
  }
  return bytes;
}

/** The address of 4 or 16 bytes in network byte order. */
export function bytesToIp(bytes: Uint8Array): IpAddress {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` as Ipv4Address;
  if (bytes.length === 16) return new ipaddr.IPv6([...bytes]).toRFC5952String() as Ipv6Address;
  throw new PortolanError("internal", `an address has 4 or 16 bytes, not ${bytes.length}`);
}

/** The address as an unsigned number of 32 or 128 bits. */
export function ipToNumber(address: IpAddress): bigint {
  let value = 0n;
  for (const byte of ipToBytes(address)) value = (value << 8n) | BigInt(byte);
  return value;
}

/** The address of a number: the inverse of {@link ipToNumber}. */
export function numberToIp(value: bigint, family: Family): IpAddress {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  let rest = value;
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytesToIp(bytes);
}
