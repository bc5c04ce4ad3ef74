/** Pools of networks and addresses of endpoints: what is asked of the IPAM drivers, and given back when an operation fails. */
import { addressOf, cidrFamily, contains, interfaceAddress, lengthOf } from "../address/cidr.ts";
import { type Family, familyOf, type IpAddress } from "../address/ip.ts";
import { PortolanError } from "../errors.ts";
import type { IpamDriver, PoolRequest } from "../ipam/ipam.ts";
import type {
  AddressRecord,
  EndpointRecord,
  NetworkPool,
  NetworkRecord,
  PoolRecord,
  StoreChange,
} from "../store/records.ts";
import type { Context } from "./context.ts";
import type { EndpointWish, PoolWish } from "./parse.ts";

/** What an operation has to give back if it comes to nothing, newest first. */
export type GiveBack = (() => Promise<void>)[];

/** Gives everything back. */
export async function giveBack(taken: GiveBack): Promise<void> {
  for (const back of taken.toReversed()) await back();
}

/** The IPAM driver of that name; throws `unknown-driver`. */
export function ipamNamed(context: Context, name: string): IpamDriver {
  const driver = context.ipam.get(name);
  if (driver !== undefined) return driver;
  throw new PortolanError("unknown-driver", `no IPAM driver is called "${name}"`, {
    object: `IPAM driver "${name}"`,
    advice: `there are ${[...context.ipam.keys()].join(", ")}`,
  });
}

const addressId = (poolId: string, address: IpAddress): string => `${poolId} ${address}`;

const put = (poolId: string, address: IpAddress): StoreChange => {
  const record: AddressRecord = { id: addressId(poolId, address), poolId, address };
  return { op: "put", collection: "address", record };
};

const remove = (poolId: string, address: IpAddress): StoreChange => ({
  op: "delete",
  collection: "address",
  id: addressId(poolId, address),
});

/** A pool that is to be taken: its gateway is a given address, any, or none. */
export interface PoolOrder extends Omit<PoolWish, "gateway"> {
  readonly gateway: IpAddress | "none" | undefined;
}

/** Takes a pool with its gateway and auxiliary addresses; undefined where the driver gives none (null). */
export async function takePool(
  driver: IpamDriver,
  wish: PoolOrder,
  options: Readonly<Record<string, string>>,
  taken: PoolRequest["taken"],
  back: GiveBack,
): Promise<NetworkPool | undefined> {
  const { family, subnet, ipRange, auxAddresses } = wish;
  const pool = await driver.requestPool({
    family,
    ...(subnet !== undefined && { subnet }),
    ...(ipRange !== undefined && { ipRange }),
    options,
    taken,
  });
  if (pool === undefined) return undefined;
  back.push(() => driver.releasePool(pool.id));
  const request = (purpose: "gateway" | "auxiliary", address: IpAddress | undefined) =>
    driver.requestAddress(pool.id, { purpose, options, ...(address !== undefined && { address }) });
  const auxiliary: Record<string, IpAddress> = {};
  // Auxiliary addresses first: a gateway that is chosen must be none of them.
  for (const [name, address] of Object.entries(auxAddresses)) auxiliary[name] = await request("auxiliary", address);
  const gateway = wish.gateway === "none" ? undefined : await request("gateway", wish.gateway);
  return {
    poolId: pool.id,
    subnet: pool.subnet,
    ...(pool.ipRange !== undefined && { ipRange: pool.ipRange }),
    ...(gateway !== undefined && { gateway: interfaceAddress(gateway, lengthOf(pool.subnet)) }),
    auxAddresses: auxiliary,
    chosenByUser: subnet !== undefined,
  };
}

/** Addresses that a pool holds besides those of endpoints. */
const ownAddresses = ({ gateway, auxAddresses }: NetworkPool): readonly IpAddress[] => [
  ...(gateway === undefined ? [] : [addressOf(gateway)]),
  ...Object.values(auxAddresses),
];

/** The writes that keep a network's pools, or forget them. */
export function poolWrites({ ipam }: NetworkRecord, op: "put" | "delete"): readonly StoreChange[] {
  return ipam.pools.flatMap((pool) => {
    const { poolId, subnet, ipRange } = pool;
    const record: PoolRecord = {
      id: poolId,
      driver: ipam.driver,
      addressSpace: poolId.slice(0, poolId.indexOf("/")),
      subnet,
      ...(ipRange !== undefined && { ipRange }),
    };
    const change: StoreChange =
      op === "put" ? { op, collection: "pool", record } : { op, collection: "pool", id: poolId };
    return [change, ...ownAddresses(pool).map((address) => (op === "put" ? put : remove)(poolId, address))];
  });
}

/** Pools of a network by family. */
const poolsOf = ({ ipam }: NetworkRecord, family: Family): readonly NetworkPool[] =>
  ipam.pools.filter(({ subnet }) => cidrFamily(subnet) === family);

async function takeAddress(
  context: Context,
  network: NetworkRecord,
  family: Family,
  { wanted, anySubnet }: { readonly wanted: IpAddress | undefined; readonly anySubnet: boolean },
  back: GiveBack,
): Promise<EndpointRecord["ipv4"]> {
  const pools = poolsOf(network, family);
  if (wanted !== undefined && !anySubnet && !pools.some(({ chosenByUser }) => chosenByUser)) {
    throw new PortolanError(
      "invalid-argument",
      "user specified IP address is supported only when connecting to networks with user configured subnets",
      {
        object: `network "${network.name}"`,
        advice: "create the network with a subnet (--subnet), or leave the address out",
      },
    );
  }
  const driver = ipamNamed(context, network.ipam.driver);
  let failure: unknown;
  // A network may have several pools of a family (macvlan): the first that can give the address does.
  for (const pool of pools) {
    try {
      const address = await driver.requestAddress(pool.poolId, {
        purpose: "endpoint",
        options: network.ipam.options,
        ...(wanted !== undefined && { address: wanted }),
      });
      back.push(() => driver.releaseAddress(pool.poolId, address));
      return interfaceAddress(address, lengthOf(pool.subnet));
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

/** Takes an endpoint's addresses; throws `address-in-use`, `address-outside`, `pool-exhausted`, `invalid-argument`. */
export async function takeAddresses(
  context: Context,
  network: NetworkRecord,
  wish: EndpointWish,
  back: GiveBack,
): Promise<Pick<EndpointRecord, "ipv4" | "ipv6">> {
  const { anySubnet = false } = wish;
  const ipv4 = await takeAddress(context, network, 4, { wanted: wish.ipv4, anySubnet }, back);
  const ipv6 = await takeAddress(context, network, 6, { wanted: wish.ipv6, anySubnet }, back);
  return { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) };
}

/** Pool and address of each of an endpoint's addresses. */
function addressesOf(network: NetworkRecord, { ipv4, ipv6 }: EndpointRecord): readonly [poolId: string, IpAddress][] {
  return [ipv4, ipv6].flatMap((cidr): [string, IpAddress][] => {
    if (cidr === undefined) return [];
    const address = addressOf(cidr);
    const pool = poolsOf(network, familyOf(address)).find(({ subnet }) => contains(subnet, address));
    return pool === undefined ? [] : [[pool.poolId, address]];
  });
}

/** The writes that keep an endpoint's addresses, or forget them. */
export function addressWrites(
  network: NetworkRecord,
  endpoint: EndpointRecord,
  op: "put" | "delete",
): readonly StoreChange[] {
  return addressesOf(network, endpoint).map(([poolId, address]) => (op === "put" ? put : remove)(poolId, address));
}

/** Gives an endpoint's addresses back to the IPAM driver. */
export async function releaseAddresses(
  context: Context,
  network: NetworkRecord,
  endpoint: EndpointRecord,
): Promise<void> {
  const driver = ipamNamed(context, network.ipam.driver);
  for (const [poolId, address] of addressesOf(network, endpoint)) await driver.releaseAddress(poolId, address);
}
