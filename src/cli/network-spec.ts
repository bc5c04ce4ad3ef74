/** Makes the request for a network of the flags of `network create`. */
import { contains, overlaps, parseSubnet, type Subnet } from "../address/cidr.ts";
import { parseIp } from "../address/ip.ts";
import type { IpamPoolSpec, NetworkSpec } from "../model/types.ts";
import { UsageError } from "./usage-error.ts";

/** The flags as they were given. */
export interface NetworkFlags {
  readonly name: string;
  readonly driver: string | undefined;
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
  readonly ipRanges: readonly string[];
  readonly auxAddresses: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly internal: boolean;
  readonly ipv6: boolean;
  readonly noIpv4: boolean;
  readonly attachable: boolean;
  readonly configOnly: boolean;
  readonly configFrom: string | undefined;
  readonly ipamDriver: string | undefined;
  readonly ipamOptions: Readonly<Record<string, string>>;
}

/** The request; throws UsageError or `invalid-argument` where flags contradict each other. */
export function networkSpec(flags: NetworkFlags): NetworkSpec {
  const { name, driver, internal, attachable, configOnly, configFrom, options, labels } = flags;
  const pools = poolsOf(flags);
  return {
    name,
    ...(driver !== undefined && { driver }),
    ...(internal && { internal }),
    ...(attachable && { attachable }),
    ...(flags.noIpv4 && { enableIpv4: false }),
    ...((flags.ipv6 || pools.some(({ subnet }) => subnet?.includes(":"))) && { enableIpv6: true }),
    ipam: {
      ...(flags.ipamDriver !== undefined && { driver: flags.ipamDriver }),
      options: flags.ipamOptions,
      pools,
    },
    options,
    labels,
    ...(configOnly && { configOnly }),
    ...(configFrom !== undefined && { configFrom }),
  };
}

/** Each subnet with the range, gateway and auxiliary addresses that lie in it. */
function poolsOf({ subnets, gateways, ipRanges, auxAddresses }: NetworkFlags): readonly IpamPoolSpec[] {
  const parsed = subnets.map(parseSubnet);
  const [first, second] = overlapping(parsed);
  if (first !== undefined) throw new UsageError(`the subnets ${first} and ${second} overlap`);
  const home = (flag: string, given: string, inside: (subnet: Subnet) => boolean): Subnet => {
    const found = parsed.find(inside);
    if (found !== undefined) return found;
    const advice = parsed.length === 0 ? "give the --subnet that it lies in" : `there is ${parsed.join(" and ")}`;
    throw new UsageError(`${flag} ${given} lies in no --subnet`, advice);
  };
  const homeOfAddress = (flag: string, given: string): Subnet => {
    const address = parseIp(given);
    return home(flag, given, (subnet) => contains(subnet, address));
  };
  const ranges = ipRanges.map((given) => {
    const range = parseSubnet(given);
    return [home("--ip-range", given, (subnet) => overlaps(subnet, range)), given] as const;
  });
  const gatewayHomes = gateways.map((given) => [homeOfAddress("--gateway", given), given] as const);
  const auxiliary = Object.entries(auxAddresses).map(
    ([name, given]) => [homeOfAddress("--aux-address", given), name, given] as const,
  );
  return parsed.map((subnet) => {
    const ipRange = only("--ip-range", subnet, ranges);
    const gateway = only("--gateway", subnet, gatewayHomes);
    const own = auxiliary.filter(([place]) => place === subnet).map(([, name, given]) => [name, given] as const);
    return {
      subnet,
      ...(ipRange !== undefined && { ipRange }),
      ...(gateway !== undefined && { gateway }),
      ...(own.length > 0 && { auxAddresses: Object.fromEntries(own) }),
    };
  });
}

function only(flag: string, subnet: Subnet, given: readonly (readonly [Subnet, string])[]): string | undefined {
  const own = given.filter(([place]) => place === subnet);
  if (own.length > 1) throw new UsageError(`subnet ${subnet} takes one ${flag}, not ${own.length}`);
  return own[0]?.[1];
}

/** The first two that share an address; nothing where none do. */
function overlapping(subnets: readonly Subnet[]): readonly Subnet[] {
  for (const [at, a] of subnets.entries()) {
    const b = subnets.slice(at + 1).find((other) => overlaps(a, other));
    if (b !== undefined) return [a, b];
  }
  return [];
}
