/** Values for the property tests of the rtnetlink codecs. */
import fc from "fast-check";
import { type InterfaceAddress, interfaceAddress, type Subnet, subnetOf } from "../../../../../src/address/cidr.ts";
import { bytesToIp, type Family, type IpAddress, type Ipv4Address } from "../../../../../src/address/ip.ts";
import { bytesToMac, type MacAddress } from "../../../../../src/address/mac.ts";

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

/** `value`, or undefined. */
export const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

export const u8 = fc.integer({ min: 0, max: 0xff });
export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffffffff });
export const index = fc.integer({ min: 1, max: 0x7fffffff });
export const family = fc.constantFrom<Family>(4, 6);
export const mac: fc.Arbitrary<MacAddress> = bytes(6).map(bytesToMac);
export const linkName = fc.stringMatching(/^[a-z][a-z0-9._-]{0,14}$/);
export const text = fc.string({ unit: "grapheme", maxLength: 60 }).filter((value) => !value.includes("\0"));

export const ip = (of: Family): fc.Arbitrary<IpAddress> => bytes(of === 4 ? 4 : 16).map(bytesToIp);
export const ipv4 = ip(4) as fc.Arbitrary<Ipv4Address>; // Four bytes make an IPv4 address.
export const anyIp = family.chain(ip);

const prefixLength = (of: Family, min: number): fc.Arbitrary<number> => fc.integer({ min, max: of === 4 ? 32 : 128 });
/** A subnet of at least one bit: one of none is "default", or no condition. */
export const subnet = (of: Family): fc.Arbitrary<Subnet> =>
  fc.tuple(ip(of), prefixLength(of, 1)).map(([address, length]) => subnetOf(address, length));
export const ifAddress = (of: Family): fc.Arbitrary<InterfaceAddress> =>
  fc.tuple(ip(of), prefixLength(of, 0)).map(([address, length]) => interfaceAddress(address, length));

/** Objects as literals make them, so that a strict comparison finds them equal to decoded ones. */
export const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true });
