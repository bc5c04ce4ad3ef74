/** The `default` IPAM driver: pools of private addresses, chosen so that they overlap nothing, and the addresses in them. */
import {
  addressOf,
  cidrFamily,
  contains,
  lengthOf,
  overlaps,
  parseSubnet,
  rangeOf,
  type Subnet,
  subnetOf,
} from "../../address/cidr.ts";
import { type Family, type IpAddress, ipToNumber, numberToIp } from "../../address/ip.ts";
import { Ranges } from "../../address/ranges.ts";
import { PortolanError } from "../../errors.ts";
import type { AddressRequest, IpamDriver, IpamSettings, Pool, PoolRequest } from "../ipam.ts";
import { AddressBook } from "./address-book.ts";
import { type Supply, suppliesOf } from "./pools.ts";

/** Subnets whose addresses cannot be an endpoint's. */
const unusable = [
  { subnet: parseSubnet("224.0.0.0/4"), what: "multicast" },
  { subnet: parseSubnet("127.0.0.0/8"), what: "the loopback network" },
  { subnet: parseSubnet("0.0.0.0/8"), what: "this network (RFC 1122)" },
  { subnet: parseSubnet("ff00::/8"), what: "multicast" },
  { subnet: parseSubnet("fe80::/10"), what: "the link-local network" },
  { subnet: parseSubnet("::/127"), what: "the unspecified and the loopback address" },
] as const;

interface Held {
  readonly pool: Pool;
  readonly book: AddressBook;
}

/** Makes the driver. */
export function createDefaultIpam({ globalId }: IpamSettings): IpamDriver {
  const supplies = suppliesOf(globalId);
  const pools = new Map<string, Held>();
  const given: Readonly<Record<Family, Ranges<Pool>>> = { 4: new Ranges(), 6: new Ranges() };
  /** Where the search goes on in each supply: a just-released subnet is not the next one given. */
  const cursors = new Map<Supply, bigint>();

  function hold(pool: Pool): Held {
    const held = { pool, book: bookOf(pool) };
    pools.set(pool.id, held);
    given[cidrFamily(pool.subnet)].add({ ...rangeOf(pool.subnet), holder: pool });
    return held;
  }

  function heldPool(poolId: string): Held {
    const held = pools.get(poolId);
    if (held !== undefined) return held;
    throw new PortolanError("not-found", `there is no pool "${poolId}"`, { object: `pool ${poolId}` });
  }

  function checkedSubnet(subnet: Subnet, { taken }: PoolRequest): Subnet {
    const bad = unusable.find((range) => overlaps(range.subnet, subnet));
    if (bad !== undefined) {
      throw new PortolanError("invalid-argument", `${subnet} cannot be a pool`, {
        object: `subnet ${subnet}`,
        reason: `it overlaps ${bad.subnet}, ${bad.what}`,
        advice: "give a private subnet such as 10.20.30.0/24 or fd00:1::/64",
      });
    }
    const { first, last } = rangeOf(subnet);
    const other = given[cidrFamily(subnet)].overlapping(first, last)?.holder;
    const inTheWay = other ? `pool ${other.subnet}` : taken.find((one) => overlaps(one.subnet, subnet))?.what;
    if (inTheWay === undefined) return subnet;
    throw new PortolanError("pool-overlap", `Pool overlaps with other one on this address space: ${subnet}`, {
      object: `subnet ${subnet}`,
      reason: `${inTheWay} is in the way`,
      advice: "give another subnet, or none to have one chosen",
    });
  }

  /** The next subnet of a supply that overlaps nothing, starting where the last search ended. */
  function search(from: Supply, busy: Ranges<string>): Subnet | undefined {
    const size = 1n << BigInt((from.family === 4 ? 32 : 128) - from.length);
    const start = cursors.get(from) ?? from.first;
    for (const [low, high] of [
      [start, from.last],
      [from.first, start - 1n],
    ] as const) {
      for (let first = low; first + size - 1n <= high; ) {
        const last = first + size - 1n;
        const obstacle = given[from.family].overlapping(first, last) ?? busy.overlapping(first, last);
        if (obstacle === undefined) {
          cursors.set(from, last === from.last ? from.first : last + 1n);
          return subnetOf(numberToIp(first, from.family), from.length);
        }
        // Behind the obstacle, on the next boundary.
        first = (obstacle.last / size + 1n) * size;
      }
    }
    return undefined;
  }

  function chooseSubnet({ family, taken }: PoolRequest): Subnet {
    const busy = merged(taken.map(({ subnet }) => subnet).filter((subnet) => cidrFamily(subnet) === family));
    for (const from of supplies[family]) {
      const subnet = search(from, busy);
      if (subnet !== undefined) return subnet;
    }
    throw new PortolanError("pool-exhausted", `no IPv${family} subnet is left to choose`, {
      reason: "all private subnets are given out, or overlap routes and addresses of the host",
      advice: "give a subnet (--subnet)",
    });
  }

  return {
    name: "default",
    async requestPool(request) {
      const { subnet: wanted, ipRange } = request;
      if (ipRange !== undefined) checkRange(wanted, ipRange);
      const subnet = wanted === undefined ? chooseSubnet(request) : checkedSubnet(wanted, request);
      return hold({ id: `local/${subnet}`, addressSpace: "local", subnet, ...(ipRange !== undefined && { ipRange }) })
        .pool;
    },
    async releasePool(poolId) {
      const held = pools.get(poolId);
      if (held === undefined) return;
      pools.delete(poolId);
      given[cidrFamily(held.pool.subnet)].remove(rangeOf(held.pool.subnet).first);
    },
    async requestAddress(poolId, request) {
      const { pool, book } = heldPool(poolId);
      return request.address === undefined
        ? chosenAddress(pool, book)
        : wantedAddress(pool, book, request.address, request);
    },
    async releaseAddress(poolId, address) {
      pools.get(poolId)?.book.release(ipToNumber(address));
    },
    restore(earlier) {
      for (const { pool, addresses } of earlier) hold(pool).book.restore(addresses.map(ipToNumber));
    },
  };
}

/** Ranges of subnets that may lie in each other. */
function merged(subnets: readonly Subnet[]): Ranges<string> {
  const ranges = new Ranges<string>();
  for (const subnet of subnets.toSorted((a, b) => lengthOf(a) - lengthOf(b))) {
    const { first, last } = rangeOf(subnet);
    if (ranges.overlapping(first, last) === undefined) ranges.add({ first, last, holder: subnet });
  }
  return ranges;
}

function checkRange(subnet: Subnet | undefined, ipRange: Subnet): void {
  const inside = subnet !== undefined && lengthOf(ipRange) >= lengthOf(subnet) && contains(subnet, addressOf(ipRange));
  if (inside) return;
  throw new PortolanError(
    "invalid-argument",
    `the range ${ipRange} does not lie in ${subnet ?? "a subnet that is given"}`,
    {
      object: `ip-range ${ipRange}`,
      advice: "give a subnet, and a range of addresses in it",
    },
  );
}

/** Addresses that a subnet has but nobody can have: network and broadcast address, and IPv6's subnet-router anycast (RFC 4291 §2.6.1). */
function reservedEnds(subnet: Subnet): { readonly first: bigint; readonly last: bigint } {
  const { first, last } = rangeOf(subnet);
  // A link between two hosts (RFC 3021, RFC 6164) and a single address are used whole.
  if (last - first <= 1n) return { first, last };
  return cidrFamily(subnet) === 4 ? { first: first + 1n, last: last - 1n } : { first: first + 1n, last };
}

function bookOf({ subnet, ipRange }: Pool): AddressBook {
  const usable = reservedEnds(subnet);
  const range = ipRange === undefined ? usable : rangeOf(ipRange);
  const first = range.first > usable.first ? range.first : usable.first;
  return new AddressBook(first, range.last < usable.last ? range.last : usable.last);
}

function chosenAddress({ subnet, ipRange }: Pool, book: AddressBook): IpAddress {
  const address = book.next();
  if (address !== undefined) return numberToIp(address, cidrFamily(subnet));
  throw new PortolanError("pool-exhausted", `no address is left in ${ipRange ?? subnet}`, {
    object: `pool ${subnet}`,
    advice: "remove endpoints that are not needed, or make a network with a larger subnet",
  });
}

function wantedAddress(
  { subnet }: Pool,
  book: AddressBook,
  address: IpAddress,
  { purpose }: AddressRequest,
): IpAddress {
  const value = ipToNumber(address);
  const usable = reservedEnds(subnet);
  if (!contains(subnet, address) || value < usable.first || value > usable.last) {
    throw new PortolanError(
      "address-outside",
      `Invalid address ${address}: It does not belong to any of this network's subnets`,
      {
        object: `${purpose} address ${address}`,
        reason: contains(subnet, address)
          ? `it is an end of ${subnet}, which nobody can have`
          : `the subnet is ${subnet}`,
        advice: `give an address from ${numberToIp(usable.first, cidrFamily(subnet))} to ${numberToIp(usable.last, cidrFamily(subnet))}`,
      },
    );
  }
  if (book.take(value)) return address;
  throw new PortolanError("address-in-use", `Address already in use: ${address}`, {
    object: `${purpose} address ${address}`,
    advice: "give another address, or none to have one chosen",
  });
}
