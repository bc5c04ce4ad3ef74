/** From records to what the resolver is told: which sandbox sees which names, and who answers to them. */
import { addressOf } from "../address/cidr.ts";
import type { IpAddress } from "../address/ip.ts";
import { isLoopback } from "../naming/host-configuration.ts";
import type { NamedEndpoint, NamedSandbox, Nameserver } from "../naming/resolver.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import { gatewayAddress } from "./gateway.ts";
import { joinedIn } from "./joined.ts";
import { isPredefined } from "./predefined.ts";
import { driverOf, networkOf } from "./related.ts";
import { shortId } from "./short-id.ts";

/** Whether the endpoints of a network answer to names: in all networks that somebody made, as with libnetwork. */
export const hasNames = (context: Context, network: NetworkRecord): boolean =>
  !isPredefined(network) && (driverOf(context, network).named ?? driverOf(context, network).addressed);

/** Endpoints of a sandbox in the order in which their networks' names count: by priority, then by the network's name. */
export function inNameOrder(context: Context, endpoints: readonly EndpointRecord[]): readonly EndpointRecord[] {
  const nameOf = (endpoint: EndpointRecord): string => networkOf(context, endpoint).name;
  return endpoints.toSorted(
    (a, b) => (b.join?.gatewayPriority ?? 0) - (a.join?.gatewayPriority ?? 0) || (nameOf(a) < nameOf(b) ? -1 : 1),
  );
}

/** Whether all networks of a sandbox are internal: then nobody else is asked. */
export const isInternal = (context: Context, endpoints: readonly EndpointRecord[]): boolean =>
  endpoints.length > 0 && endpoints.every((endpoint) => networkOf(context, endpoint).internal);

/** The endpoints of a sandbox in networks with names, in their order. */
export const namedEndpoints = (context: Context, endpoints: readonly EndpointRecord[]): readonly EndpointRecord[] =>
  inNameOrder(context, endpoints).filter((endpoint) => hasNames(context, networkOf(context, endpoint)));

/** The names of an endpoint, the one for reverse look-ups first. One that was made of its id, or of an attachment's key, is none. */
export function namesOf(endpoint: EndpointRecord, sandbox: SandboxRecord): readonly string[] {
  const own = endpoint.name === shortId(endpoint.id) || endpoint.attachment !== undefined ? [] : [endpoint.name];
  return [...new Set([sandbox.name, ...own, ...endpoint.aliases, shortId(sandbox.id)])];
}

/** An endpoint as names lead to it; undefined while it is in no sandbox, or in a network without names. */
export function namedEndpoint(context: Context, endpoint: EndpointRecord): NamedEndpoint | undefined {
  const network = networkOf(context, endpoint);
  const sandbox = endpoint.join && context.records.sandboxes.get(endpoint.join.sandboxId);
  if (sandbox === undefined || !hasNames(context, network)) return undefined;
  return {
    id: endpoint.id,
    networkId: network.id,
    networkName: network.name,
    names: namesOf(endpoint, sandbox),
    addresses: [endpoint.ipv4, endpoint.ipv6].flatMap((one) => (one === undefined ? [] : [addressOf(one)])),
  };
}

/**
 * A sandbox as the resolver serves it; undefined where it has none. One in a namespace of the engine's own has it from its beginning, so that a network with names that it comes into
 * has nothing to wait for.
 */
export function namedSandbox(
  context: Context,
  sandbox: SandboxRecord,
  endpoints: readonly EndpointRecord[],
): NamedSandbox | undefined {
  const named = namedEndpoints(context, endpoints);
  if (sandbox.namespace === "host" || (named.length === 0 && !sandbox.owned)) return undefined;
  const { naming } = sandbox;
  const ndots = naming?.resolverOptions.findLast((option) => option.startsWith("ndots:"))?.slice("ndots:".length);
  return {
    id: sandbox.id,
    namespace: sandbox.namespace,
    networks: named.map(({ networkId }) => networkId),
    links: naming?.links ?? {},
    extraHosts: extraHosts(context, sandbox, endpoints),
    nameservers: named.length === 0 || isInternal(context, endpoints) ? [] : serversOf(context, sandbox, named),
    ...(ndots !== undefined && { ndots: Number(ndots) }),
    ...(sandbox.owned && { lasting: true }),
  };
}

/** What it was told to ask is asked from inside; of the host's nameservers those that only the host reaches are asked from there. */
function serversOf(
  { hostNames }: Context,
  { naming }: SandboxRecord,
  endpoints: readonly EndpointRecord[],
): readonly Nameserver[] {
  const given = [...endpoints.flatMap(({ nameservers = [] }) => nameservers), ...(naming?.nameservers ?? [])];
  if (given.length > 0) return given.map((address) => ({ address, from: "sandbox" }));
  return hostNames.current.nameservers.map((address) => ({ address, from: isLoopback(address) ? "host" : "sandbox" }));
}

/** What a sandbox reaches the host by. */
export function hostGateway(
  context: Context,
  sandbox: SandboxRecord,
  endpoints: readonly EndpointRecord[],
): IpAddress | undefined {
  const joined = joinedIn(context, sandbox, endpoints);
  return gatewayAddress(joined, 4) ?? gatewayAddress(joined, 6);
}

function extraHosts(
  context: Context,
  sandbox: SandboxRecord,
  endpoints: readonly EndpointRecord[],
): NamedSandbox["extraHosts"] {
  const given = (sandbox.naming?.extraHosts ?? []).flatMap(({ name, address }) => {
    const known = address === "host-gateway" ? hostGateway(context, sandbox, endpoints) : address;
    return known === undefined ? [] : [{ name, address: known }];
  });
  const grouped = Map.groupBy(given, ({ name }) => name.toLowerCase());
  return Object.fromEntries([...grouped].map(([name, entries]) => [name, entries.map(({ address }) => address)]));
}
