/** The records that attachments are made of, and how they are found again. */
import type { PublishedPort } from "../address/port.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord, StoreChange } from "../store/records.ts";
import type { AttachmentKey } from "./attachment-types.ts";
import { type Context, newId, timestamp } from "./context.ts";

/** The name of an attachment's endpoint; no other one has a slash. */
export const endpointName = ({ containerId, interfaceName }: Omit<AttachmentKey, "network">): string =>
  `${containerId}/${interfaceName}`;

/** The name of the network that holds the attachments of CNI's network of that name; nobody else's has a slash. */
export const networkName = (name: string): string => `cni/${name}`;

/** The attachment's endpoint, in a network of its own or one of the engine's that has the name. */
export function findAttachment({ records }: Context, key: AttachmentKey): EndpointRecord | undefined {
  for (const name of [networkName(key.network), key.network]) {
    const network = records.networkNamed(name);
    const endpoint = network && records.endpointNamed(network.id, endpointName(key));
    if (endpoint?.attachment !== undefined) return endpoint;
  }
  return undefined;
}

/** All attachments to CNI's network of that name. */
export const attachmentsOf = ({ records }: Context, network: string): readonly EndpointRecord[] =>
  [networkName(network), network].flatMap((name) => {
    const found = records.networkNamed(name);
    if (found === undefined) return [];
    return records.endpointsOfNetwork(found.id).filter(({ attachment }) => attachment !== undefined);
  });

/** The sandbox of a container's namespace. */
export function sandboxFor(
  { records }: Context,
  { containerId }: AttachmentKey,
  namespace: string,
): SandboxRecord | undefined {
  const named = records.sandboxNamed(containerId);
  if (named?.namespace === namespace) return named;
  for (const sandbox of records.sandboxes.values()) if (sandbox.namespace === namespace) return sandbox;
  return undefined;
}

/** A write of a network. */
export const putNetwork = (record: NetworkRecord): StoreChange => ({ op: "put", collection: "network", record });
/** A write of a sandbox. */
export const putSandbox = (record: SandboxRecord): StoreChange => ({ op: "put", collection: "sandbox", record });
/** A write of an endpoint. */
export const putEndpoint = (record: EndpointRecord): StoreChange => ({ op: "put", collection: "endpoint", record });

/** The sandbox of a container that is new. */
export function newSandbox(context: Context, { containerId }: AttachmentKey, namespace: `/${string}`): SandboxRecord {
  const id = newId(context);
  return {
    id,
    name: context.records.sandboxNamed(containerId) === undefined ? containerId : `${containerId}-${id.slice(0, 12)}`,
    created: timestamp(context),
    namespace,
    owned: false,
    bootId: context.bootId,
    attached: true,
    labels: {},
  };
}

/** The network that holds attachments to CNI's network of that name: one that is there, or a new one. */
export function networkFor(context: Context, { network }: AttachmentKey): NetworkRecord {
  const name = networkName(network);
  return (
    context.records.networkNamed(name) ?? {
      id: newId(context),
      name,
      driver: "attachment",
      created: timestamp(context),
      scope: "local",
      internal: false,
      attachable: false,
      ingress: false,
      configOnly: false,
      enableIpv4: false,
      enableIpv6: false,
      ipam: { driver: "null", options: {}, pools: [] },
      options: {},
      labels: {},
      config: {},
    }
  );
}

/** The endpoint of an attachment that is new. */
export const newEndpoint = (
  context: Context,
  key: AttachmentKey,
  network: NetworkRecord,
  sandbox: SandboxRecord,
  company: readonly EndpointRecord[],
): EndpointRecord => ({
  id: newId(context),
  name: endpointName(key),
  networkId: network.id,
  created: timestamp(context),
  aliases: [],
  options: {},
  labels: {},
  attachment: { containerId: key.containerId, parts: [] },
  join: {
    sandboxId: sandbox.id,
    interfaceName: key.interfaceName,
    // The first one that comes gives the default route, as with plugins that each add one.
    gatewayPriority: -company.length,
  },
});

/** Equal for ports of which one container needs only one. */
export const samePort = ({ protocol, address, host, container }: PublishedPort): string =>
  `${protocol} ${address ?? ""} ${host.first}-${host.last} ${container.first}`;

/** Tells that an attachment has come or gone. */
export function tell(
  context: Context,
  action: "connect" | "disconnect",
  endpoint: EndpointRecord,
  network: NetworkRecord,
  sandbox: SandboxRecord,
): void {
  const attributes = { endpoint: endpoint.id, sandbox: sandbox.id, name: network.name, type: network.driver };
  const { id, name } = network;
  context.events.emit({ time: context.now(), type: "network", action, id, name, attributes });
}
