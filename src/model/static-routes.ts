/** Static routes of endpoints: what they must not contradict, and the objects they are (libnetwork's AddStaticRoute). */
import { addressOf, cidrFamily, contains, lengthOf, parseSubnet, type Subnet, subnetOf } from "../address/cidr.ts";
import type { Family } from "../address/ip.ts";
import { routeText, type StaticRoute } from "../address/static-route.ts";
import { PortolanError } from "../errors.ts";
import type { NamespaceRef, Route } from "../state/objects.ts";
import type { EndpointRecord, NetworkRecord } from "../store/records.ts";

/** Next hops of IPv6 are often known by their link-local addresses (RFC 4861 §8). */
const linkLocal6 = parseSubnet("fe80::/10");

const addressIn = ({ ipv4, ipv6 }: EndpointRecord, family: Family) => (family === 4 ? ipv4 : ipv6);

/** The subnets that an endpoint's addresses are in: the kernel makes a route for each. */
const subnetsOf = ({ ipv4, ipv6 }: EndpointRecord): readonly Subnet[] =>
  [ipv4, ipv6].flatMap((cidr) => (cidr === undefined ? [] : [subnetOf(addressOf(cidr), lengthOf(cidr))]));

/** Throws `invalid-argument` where a route leads nowhere by this endpoint. */
function checkWay(endpoint: EndpointRecord, network: NetworkRecord, route: StaticRoute): void {
  const { destination, gateway } = route;
  const family = cidrFamily(destination);
  const own = addressIn(endpoint, family);
  const refuse = (reason: string, advice: string) =>
    new PortolanError("invalid-argument", `the route ${routeText(route)} cannot go by network ${network.name}`, {
      object: `endpoint "${endpoint.name}" of network "${network.name}"`,
      reason,
      advice,
    });
  if (own === undefined)
    throw refuse(`the endpoint has no IPv${family} address`, "give it to an endpoint that has one");
  if (gateway === undefined) return;
  const subnet = subnetOf(addressOf(own), lengthOf(own));
  if (!contains(subnet, gateway) && !contains(linkLocal6, gateway))
    throw refuse(`the gateway lies outside ${subnet}`, "give a gateway of the network's subnet");
  if (gateway === addressOf(own)) throw refuse("the gateway is the endpoint itself", "give another gateway, or none");
}

/**
 * Throws `invalid-argument` where a route leads nowhere by the endpoint, `exists` where a sandbox has two routes to one destination: of its endpoints, or of the
 * kernel for their addresses.
 */
export function checkRoutes(
  endpoint: EndpointRecord,
  network: NetworkRecord,
  routes: readonly StaticRoute[],
  others: readonly { readonly endpoint: EndpointRecord; readonly network: NetworkRecord }[],
): void {
  for (const route of routes) checkWay(endpoint, network, route);
  const connected = new Map<Subnet, string>();
  const given = new Map<Subnet, string>();
  for (const other of others) {
    for (const subnet of subnetsOf(other.endpoint)) connected.set(subnet, other.network.name);
    for (const { destination } of other.endpoint.join?.routes ?? []) given.set(destination, other.network.name);
  }
  const conflict = (destination: Subnet, reason: string) =>
    new PortolanError("exists", `the sandbox has a route to ${destination} already`, {
      object: `endpoint "${endpoint.name}" of network "${network.name}"`,
      reason,
      advice: "leave one of them out, or give a longer prefix to the one that is to win",
    });
  for (const subnet of subnetsOf(endpoint)) {
    const other = given.get(subnet);
    if (other !== undefined)
      throw conflict(subnet, `a static route by network ${other} leads to this network's subnet`);
    connected.set(subnet, network.name);
  }
  for (const { destination } of routes) {
    const subnetOfOther = connected.get(destination);
    if (subnetOfOther !== undefined) throw conflict(destination, `it is the subnet of network ${subnetOfOther}`);
    const other = given.get(destination);
    if (other !== undefined) throw conflict(destination, `a static route by network ${other} leads there`);
    given.set(destination, network.name);
  }
}

/** The static routes of an endpoint in a sandbox. */
export function staticRoutes({ join }: EndpointRecord, namespace: NamespaceRef): readonly Route[] {
  return (join?.routes ?? []).map(({ destination, gateway }) => ({
    kind: "route",
    namespace,
    family: cidrFamily(destination),
    destination,
    link: join?.interfaceName ?? "",
    ...(gateway !== undefined && { gateway }),
  }));
}
