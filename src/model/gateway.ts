/**
 * Which endpoint of a sandbox gives the default route: the highest priority, then the first network by name, as in libnetwork; each family by itself. And the ways of the
 * others: what is sent from their addresses leaves by their networks.
 */
import { addressOf, subnetOf } from "../address/cidr.ts";
import type { Family, IpAddress } from "../address/ip.ts";
import type { JoinDescription } from "../drivers/driver.ts";
import type { NamespaceRef, Route, Rule } from "../state/objects.ts";
import type { EndpointRecord } from "../store/records.ts";

/** An endpoint in a sandbox with what its driver made of it. */
export interface Joined {
  readonly endpoint: EndpointRecord;
  readonly networkName: string;
  readonly description: JoinDescription;
}

const order = (a: Joined, b: Joined): number => {
  const byPriority = (b.endpoint.join?.gatewayPriority ?? 0) - (a.endpoint.join?.gatewayPriority ?? 0);
  if (byPriority !== 0) return byPriority;
  // An endpoint id settles what nothing else does: the choice never depends on the order of joining.
  const [first, second] = [`${a.networkName} ${a.endpoint.id}`, `${b.networkName} ${b.endpoint.id}`];
  return first < second ? -1 : 1;
};

/** Whether the default route of a family came with the endpoint: it is in front of every other one. */
const isMade = ({ description }: Joined, family: Family): boolean =>
  description.defaultsMade?.includes(family) === true;

const gatewayOf = ({ description }: Joined, family: Family): IpAddress | undefined =>
  family === 4 ? description.gatewayIpv4 : description.gatewayIpv6;

const addressOfFamily = ({ endpoint }: Joined, family: Family): EndpointRecord["ipv4"] =>
  family === 4 ? endpoint.ipv4 : endpoint.ipv6;

/** The endpoints that could give the default route of a family, the one that does first. */
function candidates(joined: readonly Joined[], family: Family): readonly Joined[] {
  return joined
    .filter((one) => addressOfFamily(one, family) !== undefined)
    .filter(
      (one) => gatewayOf(one, family) !== undefined || one.description.defaultByLink === true || isMade(one, family),
    )
    .toSorted((a, b) => Number(isMade(b, family)) - Number(isMade(a, family)) || order(a, b));
}

/** The endpoint that gives the default route of a family. */
export function gatewayEndpoint(joined: readonly Joined[], family: Family): Joined | undefined {
  return candidates(joined, family)[0];
}

/** The gateway of a sandbox in a family: an address by which it reaches the host. */
export function gatewayAddress(joined: readonly Joined[], family: Family): IpAddress | undefined {
  const winner = gatewayEndpoint(joined, family);
  return winner && gatewayOf(winner, family);
}

/** The route by which an endpoint leads everywhere, in the main table or one of its own. */
function defaultRoute(
  namespace: NamespaceRef,
  one: Joined,
  family: Family,
  { table, behindOthers = false }: { readonly table?: number; readonly behindOthers?: boolean } = {},
): Route {
  const gateway = gatewayOf(one, family);
  return {
    kind: "route",
    namespace,
    family,
    destination: "default",
    link: one.endpoint.join?.interfaceName ?? "",
    ...(table !== undefined && { table }),
    ...(gateway === undefined ? { scope: "link" } : { gateway }),
    ...(gateway !== undefined && one.description.gatewaysOnLink && { onLink: true }),
    ...(behindOthers && { behindOthers }),
  };
}

/** Priorities of our rules: behind the local table's (0), in front of the main table's (32766). */
const priority = { allButDefault: 11_200, ownWay: 11_201 } as const;
/** RT_TABLE_MAIN (linux/rtnetlink.h) */
const mainTable = 254;

/** An endpoint's own table: 0x70 and the first six digits of its id, far from those that people number. */
const ownTable = ({ id }: EndpointRecord): number => 0x7000_0000 + Number.parseInt(id.slice(0, 6), 16);

/**
 * The default routes of a sandbox. Answers to who came by another network than that of the default route have to leave by it again: another bridge is not where the host's
 * reverse path filter expects them from, and connections stay where they are when the default route moves. So where there are several ways, each address but those of the default route's
 * endpoint has a table of its own, asked after everything in the main table but its default route. `behindOthers`: somebody else's default route may be in front.
 */
export function gatewayRoutes(
  namespace: NamespaceRef,
  joined: readonly Joined[],
  { behindOthers = false }: { readonly behindOthers?: boolean } = {},
): readonly (Route | Rule)[] {
  return ([4, 6] as const).flatMap((family): (Route | Rule)[] => {
    const [winner, ...others] = candidates(joined, family);
    if (winner === undefined) return [];
    const rule = { kind: "rule", namespace, family } as const;
    // Which of several that others made is in front, the kernel alone knows.
    const apart = others.some((one) => isMade(one, family)) ? [winner, ...others] : others;
    const ways = apart.flatMap((one): (Route | Rule)[] => {
      const address = addressOfFamily(one, family);
      if (address === undefined) return [];
      const table = ownTable(one.endpoint);
      const from = subnetOf(addressOf(address), family === 4 ? 32 : 128);
      return [{ ...rule, priority: priority.ownWay, table, from }, defaultRoute(namespace, one, family, { table })];
    });
    const main: Rule = { ...rule, priority: priority.allButDefault, table: mainTable, suppressPrefixLength: 0 };
    const first = isMade(winner, family) ? [] : [defaultRoute(namespace, winner, family, { behindOthers })];
    return [...first, ...(ways.length > 0 ? [main, ...ways] : [])];
  });
}
