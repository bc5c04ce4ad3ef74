/**
 * Attachments: what CNI's plugins make. An attachment is an endpoint, keyed by network, container and interface, in a sandbox for the container's namespace; each call of
 * a plugin adds a part to it or takes one away. One after another: what attachments share on the host, as a bridge, comes with the first and goes with the last.
 */
import { cidrFamily, type InterfaceAddress } from "../address/cidr.ts";
import type { PublishedPort } from "../address/port.ts";
import { PortolanError } from "../errors.ts";
import type { AttachmentPart } from "../store/attachment.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord, StoreChange } from "../store/records.ts";
import { type GiveBack, giveBack } from "./addressing.ts";
import type { AttachmentKey, AttachmentScene, Decision } from "./attachment-types.ts";
import { type Context, newId, timestamp } from "./context.ts";
import { networkObjects, networkOwner, sandboxChange, sandboxOwner } from "./descriptions.ts";
import { endpointKey, hostKey, networkKey, sandboxKey, sandboxNameKey } from "./keys.ts";
import type { LockRequest } from "./locks.ts";
import { releasePorts, takePorts } from "./publishing.ts";
import { networkOf } from "./related.ts";
import { transact } from "./transact.ts";

/** The name of an attachment's endpoint; no other one has a slash. */
const endpointName = ({ containerId, interfaceName }: Omit<AttachmentKey, "network">): string =>
  `${containerId}/${interfaceName}`;

/** The name of the network that holds the attachments of CNI's network of that name; nobody else's has a slash. */
const networkName = (name: string): string => `cni/${name}`;

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

/** Adds a part. Throws what `decide` throws, `exists` where the attachment is another namespace's that is still there, `in-use` for ports that are taken. */
export async function attach(
  context: Context,
  key: AttachmentKey,
  namespace: `/${string}`,
  decide: (scene: AttachmentScene) => Promise<Decision>,
): Promise<EndpointRecord> {
  await forgetStale(context, key, namespace);
  for (;;) {
    const before = sandboxFor(context, key, namespace);
    const made = await context.locks.hold(keysFor(context, key, before), async () => {
      if (sandboxFor(context, key, namespace)?.id !== before?.id) return undefined;
      return attachHeld(context, key, namespace, before, decide);
    });
    if (made !== undefined) return made;
  }
}

function keysFor(context: Context, key: AttachmentKey, sandbox: SandboxRecord | undefined): readonly LockRequest[] {
  const endpoint = findAttachment(context, key);
  return [
    hostKey,
    sandbox === undefined ? sandboxNameKey(key.containerId) : sandboxKey(sandbox.id),
    ...(endpoint === undefined ? [] : [networkKey(endpoint.networkId, "shared"), endpointKey(endpoint.id)]),
  ];
}

/** The sandbox of a container's namespace. */
function sandboxFor(
  { records }: Context,
  { containerId }: AttachmentKey,
  namespace: string,
): SandboxRecord | undefined {
  const named = records.sandboxNamed(containerId);
  if (named?.namespace === namespace) return named;
  for (const sandbox of records.sandboxes.values()) if (sandbox.namespace === namespace) return sandbox;
  return undefined;
}

/**
 * Takes away what is left of containers that ended without a word: whose process's number, and so whose namespace's path, another one has by now; and the attachment itself
 * where its namespace is no more.
 */
async function forgetStale(context: Context, key: AttachmentKey, namespace: string): Promise<void> {
  const { records } = context;
  const there = sandboxFor(context, key, namespace);
  if (there?.attached && namespace.startsWith("/proc/")) {
    for (const endpoint of records.endpointsOfSandbox(there.id)) {
      const other = endpoint.attachment?.containerId;
      if (other !== undefined && other !== key.containerId) await detachWhole(context, endpoint);
    }
  }
  const known = findAttachment(context, key);
  const sandbox = known?.join && records.sandboxes.get(known.join.sandboxId);
  if (known === undefined || sandbox === undefined || sandbox.namespace === namespace) return;
  if (!(await context.engine.namespaceExists(sandbox.namespace))) await detachWhole(context, known);
}

async function attachHeld(
  context: Context,
  key: AttachmentKey,
  namespace: `/${string}`,
  sandboxBefore: SandboxRecord | undefined,
  decide: (scene: AttachmentScene) => Promise<Decision>,
): Promise<EndpointRecord> {
  const before = findAttachment(context, key);
  if (before?.join !== undefined && before.join.sandboxId !== sandboxBefore?.id) {
    throw new PortolanError("exists", `container ${key.containerId} is attached in another namespace`, {
      object: `attachment ${endpointName(key)} of network ${key.network}`,
      advice: "detach it there first (DEL)",
    });
  }
  const sandbox = sandboxBefore ?? newSandbox(context, key, namespace);
  const network = before === undefined ? networkFor(context, key) : networkOf(context, before);
  const { records } = context;
  const isNewNetwork = !records.networks.has(network.id);
  const isNewSandbox = sandboxBefore === undefined;
  const back: GiveBack = [];
  if (isNewNetwork) {
    // Descriptions of its endpoints ask for it.
    records.putNetwork(network);
    back.push(async () => records.deleteNetwork(network));
  }
  try {
    const decision = await decide({
      endpoint: before,
      company: context.records.endpointsOfSandbox(sandbox.id),
      inside: () => context.engine.facts(namespace),
      host: () => context.engine.facts("host"),
    });
    const bare = before ?? newEndpoint(context, key, network, sandbox, context.records.endpointsOfSandbox(sandbox.id));
    const company = context.records.endpointsOfSandbox(sandbox.id);
    const ports = await takeOwnPorts(context, network, bare, company, decision, back);
    const endpoint = withPart(bare, decision, ports);
    const others = company.filter(({ id }) => id !== endpoint.id);
    const descriptions = sandboxChange(context, sandbox, company, [...others, endpoint]);
    if (isNewNetwork) descriptions.set(networkOwner(network.id), networkObjects(context, network, 0));
    await transact(
      context,
      {
        operation: "attach",
        direction: "undo",
        descriptions,
        writes: [
          ...(isNewNetwork ? [putNetwork(network)] : []),
          ...(isNewSandbox ? [putSandbox(sandbox)] : []),
          putEndpoint(endpoint),
        ],
        unwrites: [],
        remember: () => {
          if (isNewSandbox) context.records.putSandbox(sandbox);
          context.records.putEndpoint(endpoint);
        },
      },
      {},
    );
    if (before === undefined) tell(context, "connect", endpoint, network, sandbox);
    return endpoint;
  } catch (error) {
    await giveBack(back);
    throw error;
  }
}

const putNetwork = (record: NetworkRecord): StoreChange => ({ op: "put", collection: "network", record });
const putSandbox = (record: SandboxRecord): StoreChange => ({ op: "put", collection: "sandbox", record });
const putEndpoint = (record: EndpointRecord): StoreChange => ({ op: "put", collection: "endpoint", record });

function newSandbox(context: Context, { containerId }: AttachmentKey, namespace: `/${string}`): SandboxRecord {
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

function networkFor(context: Context, { network }: AttachmentKey): NetworkRecord {
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

const newEndpoint = (
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

/** The ports that are asked for but those that the container has by another network already: runtimes ask for the same ones in each. */
async function takeOwnPorts(
  context: Context,
  network: NetworkRecord,
  endpoint: EndpointRecord,
  company: readonly EndpointRecord[],
  { publish = [] }: Decision,
  back: GiveBack,
): Promise<readonly PublishedPort[]> {
  const fallback = context.publishAddress;
  const wishes = publish.map((wish) => (fallback === undefined ? wish : { address: fallback, ...wish }));
  const had = new Set(company.flatMap(({ ports = [] }) => ports.map(samePort)));
  const open = wishes.filter((wish) => wish.host === undefined || !had.has(samePort({ ...wish, host: wish.host })));
  return takePorts(context, network, endpoint.name, open, back);
}

/** Equal for ports of which one container needs only one. */
const samePort = ({ protocol, address, host, container }: PublishedPort): string =>
  `${protocol} ${address ?? ""} ${host.first}-${host.last} ${container.first}`;

function withPart(endpoint: EndpointRecord, decision: Decision, taken: readonly PublishedPort[]): EndpointRecord {
  const { part, mac = endpoint.mac, addresses = [] } = decision;
  const of = (family: 4 | 6): InterfaceAddress | undefined => addresses.find((one) => cidrFamily(one) === family);
  const [ipv4 = endpoint.ipv4, ipv6 = endpoint.ipv6] = [of(4), of(6)];
  const ports = [...(endpoint.ports ?? []), ...taken];
  const { containerId = "", parts = [] } = endpoint.attachment ?? {};
  return {
    ...endpoint,
    ...(mac !== undefined && { mac }),
    ...(ipv4 !== undefined && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
    ...(ports.length > 0 && { ports }),
    attachment: { containerId, parts: [...parts, part] },
  };
}

function tell(
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

/** Takes away the last part that a plugin added. Nothing to take away is fine. */
export async function detach(context: Context, key: AttachmentKey, plugin: string): Promise<void> {
  const endpoint = findAttachment(context, key);
  if (endpoint === undefined) return;
  await leave(context, endpoint, (parts) => {
    const last = parts.findLastIndex((part) => part.plugin === plugin);
    return parts.filter((_, at) => at !== last);
  });
}

/** Takes a whole attachment away. */
const detachWhole = (context: Context, endpoint: EndpointRecord): Promise<void> => leave(context, endpoint, () => []);

async function leave(
  context: Context,
  { id }: EndpointRecord,
  remaining: (parts: readonly AttachmentPart[]) => readonly AttachmentPart[],
): Promise<void> {
  for (;;) {
    const known = context.records.endpoints.get(id);
    if (known?.join === undefined) return;
    const { sandboxId } = known.join;
    const keys = [hostKey, sandboxKey(sandboxId), networkKey(known.networkId, "shared"), endpointKey(id)];
    const done = await context.locks.hold(keys, async () => {
      const endpoint = context.records.endpoints.get(id);
      if (endpoint?.join === undefined) return true;
      if (endpoint.join.sandboxId !== sandboxId) return false;
      await leaveHeld(context, endpoint, remaining(endpoint.attachment?.parts ?? []));
      return true;
    });
    if (done) return;
  }
}

async function leaveHeld(context: Context, endpoint: EndpointRecord, parts: readonly AttachmentPart[]): Promise<void> {
  const { records } = context;
  const { attachment, join } = endpoint;
  const sandbox = join && records.sandboxes.get(join.sandboxId);
  if (attachment === undefined || sandbox === undefined || parts.length === attachment.parts.length) return;
  const network = networkOf(context, endpoint);
  const after = parts.length === 0 ? undefined : withoutPorts({ ...endpoint, attachment: { ...attachment, parts } });
  const company = records.endpointsOfSandbox(sandbox.id);
  const { others, ports: inherited } = heirs(
    company.filter(({ id }) => id !== endpoint.id),
    endpoint,
    after,
  );
  const stay = [...others, ...(after === undefined ? [] : [after])];
  const ends = {
    sandbox: sandbox.attached === true && stay.length === 0,
    network: network.driver === "attachment" && after === undefined && records.endpointCount(network.id) === 1,
  };
  const descriptions = sandboxChange(context, sandbox, company, stay);
  if (ends.sandbox) descriptions.set(sandboxOwner(sandbox.id), undefined);
  if (ends.network) descriptions.set(networkOwner(network.id), undefined);
  const changed = others.filter((one) => !company.includes(one));
  await transact(
    context,
    {
      operation: "detach",
      direction: "redo",
      descriptions,
      writes: [
        after === undefined ? { op: "delete", collection: "endpoint", id: endpoint.id } : putEndpoint(after),
        ...changed.map(putEndpoint),
        ...(ends.sandbox ? [{ op: "delete", collection: "sandbox", id: sandbox.id } as const] : []),
        ...(ends.network ? [{ op: "delete", collection: "network", id: network.id } as const] : []),
      ],
      unwrites: [
        putNetwork(network),
        putSandbox(sandbox),
        ...company.filter((one) => one.id === endpoint.id || !others.includes(one)).map(putEndpoint),
      ],
      remember: () => {
        if (after === undefined) records.deleteEndpoint(endpoint);
        else records.putEndpoint(after);
        for (const one of changed) records.putEndpoint(one);
        if (ends.sandbox) records.deleteSandbox(sandbox);
        if (ends.network) records.deleteNetwork(network);
      },
    },
    {},
  );
  const kept = new Set([...(after?.ports ?? []), ...inherited]);
  releasePorts(
    context,
    (endpoint.ports ?? []).filter((port) => !kept.has(port)),
  );
  if (after === undefined) tell(context, "disconnect", endpoint, network, sandbox);
}

/** An endpoint whose ports go when nothing of it publishes any. */
function withoutPorts(endpoint: EndpointRecord): EndpointRecord {
  if (endpoint.attachment?.parts.some(({ made }) => made.kind === "published")) return endpoint;
  const { ports: _, ...rest } = endpoint;
  return rest;
}

/** The other endpoints of a container, with the ports of one that goes where they asked for the same ones. */
function heirs(
  others: readonly EndpointRecord[],
  before: EndpointRecord,
  after: EndpointRecord | undefined,
): { readonly others: readonly EndpointRecord[]; readonly ports: readonly PublishedPort[] } {
  const kept = new Set(after?.ports);
  let free = (before.ports ?? []).filter((port) => !kept.has(port));
  const ports: PublishedPort[] = [];
  const changed = others.map((one) => {
    const wanted = new Set(
      (one.attachment?.parts ?? []).flatMap(({ made }) => (made.kind === "published" ? made.wishes.map(samePort) : [])),
    );
    const own = free.filter((port) => wanted.has(samePort(port)));
    if (own.length === 0) return one;
    free = free.filter((port) => !own.includes(port));
    ports.push(...own);
    return { ...one, ports: [...(one.ports ?? []), ...own] };
  });
  return { others: changed, ports };
}
