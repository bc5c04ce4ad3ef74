/** Random addresses and subnets, among them many that lie in each other. */
import fc from "fast-check";
import { type InterfaceAddress, interfaceAddress, type Subnet, subnetOf } from "../../../src/address/cidr.ts";
import { bytesToIp, type Family, type IpAddress } from "../../../src/address/ip.ts";

const family = fc.constantFrom<Family>(4, 6);

/** Any address of a family; zeros come often, because the short form of IPv6 turns on them. */
export const addressOfFamily = (of: Family): fc.Arbitrary<IpAddress> => {
  const byte = fc.oneof(fc.constant(0), fc.constant(0), fc.constant(255), fc.nat(255));
  const length = of === 4 ? 4 : 16;
  return fc.array(byte, { minLength: length, maxLength: length }).map((bytes) => bytesToIp(Uint8Array.from(bytes)));
};

export const address = family.chain(addressOfFamily);

const lengthFor = (of: Family): fc.Arbitrary<number> => fc.nat(of === 4 ? 32 : 128);

export const subnet: fc.Arbitrary<Subnet> = family.chain((of) =>
  fc.tuple(addressOfFamily(of), lengthFor(of)).map(([inside, length]) => subnetOf(inside, length)),
);

/** An address with a prefix length. */
export const inSubnet: fc.Arbitrary<InterfaceAddress> = family.chain((of) =>
  fc.tuple(addressOfFamily(of), lengthFor(of)).map(([inside, length]) => interfaceAddress(inside, length)),
);

/** Two subnets, often of one address. */
export const twoSubnets: fc.Arbitrary<readonly [Subnet, Subnet]> = fc.oneof(
  fc.tuple(subnet, subnet),
  family.chain((of) =>
    fc
      .tuple(addressOfFamily(of), lengthFor(of), lengthFor(of))
      .map(([inside, one, other]) => [subnetOf(inside, one), subnetOf(inside, other)] as const),
  ),
);
