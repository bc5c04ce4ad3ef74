/**
 * Ranges of addresses as CNI's `host-local` has them: sets of ranges, of which each gives one address, in turn from where it was given last. Pure: what is taken is asked.
 */
import {
  addressOf,
  cidrFamily,
  contains,
  interfaceAddress,
  lengthOf,
  parseSubnet,
  rangeOf,
  type Subnet,
} from "../../address/cidr.ts";
import { familyOf, type IpAddress, ipToNumber, numberToIp, parseIp } from "../../address/ip.ts";
import { PortolanError } from "../../errors.ts";

/** A range as a configuration has it. */
export interface RangeSpec {
  readonly subnet: string;
  readonly rangeStart?: string;
  readonly rangeEnd?: string;
  readonly gateway?: string;
}

export interface Range {
  readonly subnet: Subnet;
  /** Both ends included. */
  readonly first: bigint;
  readonly last: bigint;
  /** Never given out. */
  readonly gateway: IpAddress;
}

/** Ranges that are used one after another. */
export type RangeSet = readonly Range[];

const refuse = (object: string, reason: string, advice: string): PortolanError =>
  new PortolanError("invalid-argument", `the range ${object} cannot be used: ${reason}`, {
    object: `range ${object}`,
    advice,
  });

/** Reads a range; throws `invalid-argument`. The gateway is the first address where none is named, and the last of IPv4 is nobody's. */
export function parseRange({ subnet: text, rangeStart, rangeEnd, gateway: named }: RangeSpec): Range {
  const subnet = parseSubnet(text);
  const { first: base, last: top } = rangeOf(subnet);
  if (addressOf(subnet) !== parseIp(text.slice(0, text.lastIndexOf("/")))) {
    throw refuse(text, "it has host bits", `write ${subnet}`);
  }
  if (top - base < 3n) throw refuse(text, "it has fewer than four addresses", "give a shorter prefix");
  const family = cidrFamily(subnet);
  const lowest = base + 1n;
  const highest = family === 4 ? top - 1n : top;
  const within = (address: string | undefined, what: string, otherwise: bigint): bigint => {
    if (address === undefined) return otherwise;
    const parsed = parseIp(address);
    if (!contains(subnet, parsed))
      throw refuse(text, `its ${what} ${address} lies outside`, "give an address of the subnet");
    return ipToNumber(parsed);
  };
  const gateway = named === undefined ? numberToIp(lowest, family) : parseIp(named);
  const [first, last] = [within(rangeStart, "start", lowest), within(rangeEnd, "end", highest)];
  if (first > last) throw refuse(text, `it ends at ${rangeEnd ?? "its end"}, before it starts`, "swap the two");
  return { subnet, first, last, gateway };
}

/** Reads sets of ranges; throws `invalid-argument` where one is empty, has both families, or two overlap. */
export function parseRangeSets(specs: readonly (readonly RangeSpec[])[]): readonly RangeSet[] {
  const sets = specs.map((set) => set.map(parseRange));
  for (const [at, set] of sets.entries()) {
    const [head, ...rest] = set;
    if (head === undefined) throw refuse(`set ${at}`, "it is empty", "give it a subnet, or leave it out");
    const other = rest.find(({ subnet }) => cidrFamily(subnet) !== cidrFamily(head.subnet));
    if (other !== undefined)
      throw refuse(other.subnet, `it shares a set with ${head.subnet}, of the other family`, "give each family a set");
  }
  const all = sets.flat();
  for (const [at, one] of all.entries()) {
    const other = all.slice(at + 1).find((two) => meet(one, two));
    if (other !== undefined) throw refuse(other.subnet, `it overlaps ${one.subnet}`, "give ranges that are apart");
  }
  return sets;
}

const meet = (a: Range, b: Range): boolean =>
  cidrFamily(a.subnet) === cidrFamily(b.subnet) && a.first <= b.last && b.first <= a.last;

/** An address of a set, with the gateway of its range. */
export interface Given {
  readonly address: ReturnType<typeof interfaceAddress>;
  readonly gateway: IpAddress;
}

const given = ({ subnet, gateway }: Range, address: IpAddress): Given => ({
  address: interfaceAddress(address, lengthOf(subnet)),
  gateway,
});

/** The next free address of a set behind `last`; undefined where none is left. Looks at no more addresses than are taken in a row. */
export function nextFree(
  set: RangeSet,
  last: IpAddress | undefined,
  isTaken: (address: IpAddress) => boolean,
): Given | undefined {
  const behind = last === undefined ? undefined : ipToNumber(last);
  const at =
    behind === undefined
      ? -1
      : set.findIndex(
          (range) =>
            cidrFamily(range.subnet) === familyOf(last ?? range.gateway) &&
            range.first <= behind &&
            behind <= range.last,
        );
  // From behind the last one to the end, then the others, and at last what lies before it.
  const stretches =
    at < 0 || behind === undefined
      ? set
      : [
          ...set.slice(at).map((range, n) => (n === 0 ? { ...range, first: behind + 1n } : range)),
          ...set.slice(0, at + 1).map((range, n) => (n === at ? { ...range, last: behind } : range)),
        ];
  for (const range of stretches) {
    for (let number = range.first; number <= range.last; number++) {
      const address = numberToIp(number, cidrFamily(range.subnet));
      if (address !== range.gateway && !isTaken(address)) return given(range, address);
    }
  }
  return undefined;
}

/** The address that is asked for, in the set; throws `address-in-use` where it is taken or the gateway. Undefined where it is not of the set. */
export function askedFor(
  set: RangeSet,
  address: IpAddress,
  isTaken: (address: IpAddress) => boolean,
): Given | undefined {
  const number = ipToNumber(address);
  const range = set.find((one) => contains(one.subnet, address) && one.first <= number && number <= one.last);
  if (range === undefined) return undefined;
  if (address === range.gateway || isTaken(address)) {
    const why = address === range.gateway ? "it is the gateway's" : "somebody has it already";
    throw new PortolanError(
      "address-in-use",
      `requested IP address ${address} is not available in range set ${range.subnet}: ${why}`,
      {
        object: `address ${address}`,
        advice: "ask for another one, or for none",
      },
    );
  }
  return given(range, address);
}
