/** Which endpoint of a sandbox gives the default route: the highest priority, then the first network by name, as in libnetwork; each family by itself. */
import type { Family, IpAddress } from "../address/ip.ts";
import type { JoinDescription } from "../drivers/driver.ts";
import type { NamespaceRef, Route } from "../state/objects.ts";
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

const gatewayOf = ({ description }: Joined, family: Family): IpAddress | undefined =>
  family === 4 ? description.gatewayIpv4 : description.gatewayIpv6;

const hasAddress = ({ endpoint }: Joined, family: Family): boolean =>
  (family === 4 ? endpoint.ipv4 : endpoint.ipv6) !== undefined;

/** The endpoint that gives the default route of a family. */
export function gatewayEndpoint(joined: readonly Joined[], family: Family): Joined | undefined {
  return joined
    .filter((one) => hasAddress(one, family))
    .filter((one) => gatewayOf(one, family) !== undefined || one.description.defaultByLink === true)
    .toSorted(order)[0];
}

/** The gateway of a sandbox in a family: an address by which it reaches the host. */
export function gatewayAddress(joined: readonly Joined[], family: Family): IpAddress | undefined {
  const winner = gatewayEndpoint(joined, family);
  return winner && gatewayOf(winner, family);
}

/** The default routes of a sandbox. */
export function defaultRoutes(namespace: NamespaceRef, joined: readonly Joined[]): readonly Route[] {
  return ([4, 6] as const).flatMap((family): Route[] => {
    const winner = gatewayEndpoint(joined, family);
    const link = winner?.endpoint.join?.interfaceName;
    if (winner === undefined || link === undefined) return [];
    const gateway = gatewayOf(winner, family);
    const route = { kind: "route", namespace, family, destination: "default", link } as const;
    return [gateway === undefined ? { ...route, scope: "link" } : { ...route, gateway }];
  });
}
