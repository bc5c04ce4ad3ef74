/** What the model tells about its records. */
import { addressOf } from "../address/cidr.ts";
import { extraHostText } from "../address/host-name.ts";
import { PortolanError } from "../errors.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import type { Records } from "./records.ts";
import { filesOf } from "./sandbox-files.ts";
import type { EndpointInfo, NetworkInfo, SandboxInfo } from "./types.ts";

/** An endpoint, of a network and, while joined, in a sandbox. */
export function endpointInfo(
  endpoint: EndpointRecord,
  network: NetworkRecord,
  sandbox: SandboxRecord | undefined,
): EndpointInfo {
  const {
    networkId: _,
    external: __,
    join,
    linkLocal = [],
    publish = [],
    ports = [],
    opened = [],
    exposed = [],
    nameservers = [],
    sysctls = {},
    ...own
  } = endpoint;
  return {
    ...own,
    linkLocal,
    routes: join?.routes ?? [],
    publish,
    ports,
    opened,
    exposed,
    nameservers,
    sysctls,
    network: { id: network.id, name: network.name, driver: network.driver },
    ...(sandbox !== undefined && { sandbox: { id: sandbox.id, name: sandbox.name } }),
    ...(join !== undefined && join.interfaceName !== "" && { interfaceName: join.interfaceName }),
    ...(join !== undefined && { gatewayPriority: join.gatewayPriority }),
  };
}

/** The same of an endpoint that the records hold. */
export function recordedEndpointInfo(records: Records, endpoint: EndpointRecord): EndpointInfo {
  const network = records.networks.get(endpoint.networkId);
  if (network === undefined) throw new PortolanError("internal", `endpoint ${endpoint.id} has no network`);
  const sandbox = endpoint.join && records.sandboxes.get(endpoint.join.sandboxId);
  return endpointInfo(endpoint, network, sandbox);
}

/** A network with its endpoints. */
export function networkInfo(records: Records, network: NetworkRecord): NetworkInfo {
  const { config: _, ipam, ...own } = network;
  return {
    ...own,
    ipam: {
      driver: ipam.driver,
      options: ipam.options,
      pools: ipam.pools.map(({ subnet, ipRange, gateway, auxAddresses }) => ({
        subnet,
        ...(ipRange !== undefined && { ipRange }),
        ...(gateway !== undefined && { gateway: addressOf(gateway) }),
        auxAddresses,
      })),
    },
    endpoints: records.endpointsOfNetwork(network.id).map((endpoint) => recordedEndpointInfo(records, endpoint)),
  };
}

/** A sandbox with its endpoints, `gateway` being the ids of those that give the default routes. */
export function sandboxInfo(
  { records, runDir }: Pick<Context, "records" | "runDir">,
  sandbox: SandboxRecord,
  gateway: SandboxInfo["gateway"],
): SandboxInfo {
  const { bootId: _, naming, ...own } = sandbox;
  const files = filesOf(runDir, sandbox);
  return {
    ...own,
    ...(naming?.domainname !== undefined && { domainname: naming.domainname }),
    nameservers: naming?.nameservers ?? [],
    searchDomains: naming?.searchDomains ?? [],
    resolverOptions: naming?.resolverOptions ?? [],
    extraHosts: (naming?.extraHosts ?? []).map(extraHostText),
    links: Object.entries(naming?.links ?? {}).map(([alias, name]) => (alias === name ? name : `${name}:${alias}`)),
    ...(files !== undefined && { files }),
    endpoints: records.endpointsOfSandbox(sandbox.id).map((endpoint) => recordedEndpointInfo(records, endpoint)),
    gateway,
  };
}
