/** From records to what their owners want of the kernel. */
import type { Owner } from "../state/ledger.ts";
import type { KernelObject } from "../state/objects.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import { gatewayAddress, gatewayEndpoint, gatewayRoutes, type Joined } from "./gateway.ts";
import { joinedIn } from "./joined.ts";
import { inNameOrder, isInternal, namedEndpoints } from "./naming.ts";
import { isPredefined } from "./predefined.ts";
import { driverOf, networkOf } from "./related.ts";
import { describeFiles } from "./sandbox-files.ts";
import type { SandboxInfo } from "./types.ts";

export const networkOwner = (id: string): Owner => `network:${id}`;
export const endpointOwner = (id: string): Owner => `endpoint:${id}`;
export const sandboxOwner = (id: string): Owner => `sandbox:${id}`;

/** What a network wants while `joined` of its endpoints are in sandboxes. */
export function networkObjects(context: Context, network: NetworkRecord, joined: number): readonly KernelObject[] {
  if (network.configOnly || (isPredefined(network) && joined === 0)) return [];
  return driverOf(context, network).describeNetwork(network);
}

/** What a sandbox with these endpoints wants: its namespace where it is the engine's, the default routes, and its files. */
export function sandboxObjects(
  context: Context,
  sandbox: SandboxRecord,
  joined: readonly Joined[],
): readonly KernelObject[] {
  const { namespace, owned } = sandbox;
  const endpoints = inNameOrder(
    context,
    joined.map(({ endpoint }) => endpoint),
  );
  const gateway = gatewayAddress(joined, 4) ?? gatewayAddress(joined, 6);
  return [
    ...(owned && namespace !== "host" ? [{ kind: "namespace", path: namespace } as const] : []),
    // What could not be taken away of an endpoint may still have its default route.
    ...gatewayRoutes(namespace, joined, { behindOthers: isAnyLeft(context, sandbox) }),
    ...describeFiles(sandbox, {
      runDir: context.runDir,
      host: context.hostNames.current,
      endpoints,
      // Most sandboxes come into a network with names next: the file stays as it is then.
      resolver: endpoints.length === 0 || namedEndpoints(context, endpoints).length > 0,
      internal: isInternal(context, endpoints),
      hostGateway: gateway,
    }),
  ];
}

/** Whether something is left of a former endpoint of a sandbox. */
const isAnyLeft = ({ departures }: Context, { id }: SandboxRecord): boolean =>
  departures.values().some(({ sandboxId, failure }) => sandboxId === id && failure !== undefined);

/** Ids of the endpoints that give a sandbox its default routes. */
export function gatewaysOf(context: Context, sandbox: SandboxRecord): SandboxInfo["gateway"] {
  const joined = joinedIn(context, sandbox, context.records.endpointsOfSandbox(sandbox.id));
  const [ipv4, ipv6] = [gatewayEndpoint(joined, 4)?.endpoint.id, gatewayEndpoint(joined, 6)?.endpoint.id];
  return { ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) };
}

/**
 * The descriptions that change when a sandbox has the endpoints `after`, of which it had `before`: of the endpoints that come, go or change, of the sandbox, and of
 * predefined networks whose first endpoint comes or last one goes.
 */
export function sandboxChange(
  context: Context,
  sandbox: SandboxRecord,
  before: readonly EndpointRecord[],
  after: readonly EndpointRecord[],
): Map<Owner, readonly KernelObject[] | undefined> {
  const stays = new Set(after.map(({ id }) => id));
  const was = new Set(before.map(({ id }) => id));
  const gone = before.filter(({ id }) => !stays.has(id));
  const joined = joinedIn(context, sandbox, after);
  const come = joined.filter(({ endpoint }) => !was.has(endpoint.id));
  const changed = joined.filter(({ endpoint }) => was.has(endpoint.id) && !before.includes(endpoint));
  const changes = new Map<Owner, readonly KernelObject[] | undefined>();
  for (const network of new Set(
    [...gone, ...come.map(({ endpoint }) => endpoint)].map((one) => networkOf(context, one)),
  )) {
    if (!isPredefined(network)) continue;
    const difference =
      come.filter(({ endpoint }) => endpoint.networkId === network.id).length -
      gone.filter(({ networkId }) => networkId === network.id).length;
    const objects = networkObjects(context, network, context.records.joinedCount(network.id) + difference);
    changes.set(networkOwner(network.id), objects);
  }
  changes.set(sandboxOwner(sandbox.id), sandboxObjects(context, sandbox, joined));
  for (const { id } of gone) changes.set(endpointOwner(id), undefined);
  for (const { endpoint, description } of [...come, ...changed])
    changes.set(endpointOwner(endpoint.id), description.objects);
  return changes;
}
