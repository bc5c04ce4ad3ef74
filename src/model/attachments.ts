/**
 * Attachments: what CNI's plugins make. An attachment is an endpoint, keyed by network, container and interface, in a sandbox for the container's namespace; each call of
 * a plugin adds a part to it or takes one away. One after another: what attachments share on the host, as a bridge, comes with the first and goes with the last.
 */
import { cidrFamily, type InterfaceAddress } from "../address/cidr.ts";
import type { PortWish, PublishedPort } from "../address/port.ts";
import { withFirewall } from "../drivers/attachment/index.ts";
import { PortolanError } from "../errors.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "../store/records.ts";
import { type GiveBack, giveBack } from "./addressing.ts";
import { forgetStale } from "./attachment-departure.ts";
import {
  endpointName,
  findAttachment,
  networkFor,
  newEndpoint,
  newSandbox,
  putEndpoint,
  putNetwork,
  putSandbox,
  samePort,
  sandboxFor,
  tell,
} from "./attachment-records.ts";
import type { AttachmentKey, AttachmentScene, Decision } from "./attachment-types.ts";
import type { Context } from "./context.ts";
import { networkObjects, networkOwner, sandboxChange } from "./descriptions.ts";
import { endpointKey, hostKey, membershipKeys, sandboxKey, sandboxNameKey } from "./keys.ts";
import type { LockRequest } from "./locks.ts";
import { refuseBusy, takePorts } from "./publishing.ts";
import { networkOf } from "./related.ts";
import { transact } from "./transact.ts";

/** Adds a part. Throws what `decide` throws, `exists` where the attachment is another namespace's that is still there, `in-use` for ports that are taken. */
export const attach = (
  context: Context,
  key: AttachmentKey,
  namespace: `/${string}`,
  decide: (scene: AttachmentScene) => Promise<Decision>,
): Promise<EndpointRecord> =>
  holdContainer(context, key, namespace, undefined, (sandbox) => attachHeld(context, key, namespace, sandbox, decide));

/** Runs `work` while nothing else is attached, with the sandbox of the container's namespace where there is one; `network` is one that it is about. */
export async function holdContainer<Result>(
  context: Context,
  key: AttachmentKey,
  namespace: `/${string}`,
  network: NetworkRecord | undefined,
  work: (sandbox: SandboxRecord | undefined) => Promise<Result>,
): Promise<Result> {
  await forgetStale(context, key, namespace);
  for (;;) {
    const before = sandboxFor(context, key, namespace);
    const keys = [...keysFor(context, key, before), ...(network === undefined ? [] : membershipKeys(network))];
    const done = await context.locks.hold(keys, async () => {
      if (sandboxFor(context, key, namespace)?.id !== before?.id) return undefined;
      return { of: await work(before) };
    });
    if (done !== undefined) return done.of;
  }
}

function keysFor(context: Context, key: AttachmentKey, sandbox: SandboxRecord | undefined): readonly LockRequest[] {
  const endpoint = findAttachment(context, key);
  return [
    hostKey,
    sandbox === undefined ? sandboxNameKey(key.containerId) : sandboxKey(sandbox.id),
    ...(endpoint === undefined ? [] : [...membershipKeys(networkOf(context, endpoint)), endpointKey(endpoint.id)]),
  ];
}

/** Throws `exists` where the attachment is in another namespace. */
export function refuseElsewhere(
  key: AttachmentKey,
  endpoint: EndpointRecord | undefined,
  sandbox: SandboxRecord | undefined,
): void {
  if (endpoint?.join === undefined || endpoint.join.sandboxId === sandbox?.id) return;
  throw new PortolanError("exists", `container ${key.containerId} is attached in another namespace`, {
    object: `attachment ${endpointName(key)} of network ${key.network}`,
    advice: "detach it there first (DEL)",
  });
}

async function attachHeld(
  context: Context,
  key: AttachmentKey,
  namespace: `/${string}`,
  sandboxBefore: SandboxRecord | undefined,
  decide: (scene: AttachmentScene) => Promise<Decision>,
): Promise<EndpointRecord> {
  const before = findAttachment(context, key);
  refuseElsewhere(key, before, sandboxBefore);
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
      hasLink: (link) => context.engine.hasLink(namespace, link),
      host: () => context.engine.facts("host"),
    });
    const bare = before ?? newEndpoint(context, key, network, sandbox, context.records.endpointsOfSandbox(sandbox.id));
    const company = context.records.endpointsOfSandbox(sandbox.id);
    const ports = await takeOwnPorts(context, network, bare, company, decision, back);
    await refuseBusy(context, ports, namespace);
    const endpoint = withPart(bare, decision, ports);
    await clear(context, decision, back);
    const others = company.filter(({ id }) => id !== endpoint.id);
    const descriptions = sandboxChange(context, sandbox, company, [...others, endpoint]);
    const now = withFirewall(network, decision.part);
    if (now !== network) descriptions.set(networkOwner(network.id), networkObjects(context, now, 0));
    await transact(
      context,
      {
        operation: "attach",
        direction: "undo",
        descriptions,
        writes: [
          ...(isNewNetwork || now !== network ? [putNetwork(now)] : []),
          ...(isNewSandbox ? [putSandbox(sandbox)] : []),
          putEndpoint(endpoint),
        ],
        unwrites: [],
        remember: () => {
          if (now !== network) records.putNetwork(now);
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

/** Takes away what is in the way; it is put back where nothing comes of it. */
async function clear({ engine }: Context, { instead = [] }: Decision, back: GiveBack): Promise<void> {
  if (instead.length === 0) return;
  await engine.apply(instead.map((object) => ({ action: "delete", object })));
  back.push(() => engine.apply(instead.map((object) => ({ action: "create", object }))));
}

/** The ports that are asked for but those that the container has by another network already: runtimes ask for the same ones in each. */
async function takeOwnPorts(
  context: Context,
  network: NetworkRecord,
  endpoint: EndpointRecord,
  company: readonly EndpointRecord[],
  { publish = [] }: Decision,
  back: GiveBack,
): Promise<readonly PublishedPort[]> {
  return takePorts(context, network, endpoint.name, unheld(context, company, publish), back);
}

/** The ports of these that nobody of a container's endpoints has. */
export function unheld(
  { publishAddress }: Context,
  company: readonly EndpointRecord[],
  publish: readonly PortWish[],
): readonly PortWish[] {
  const wishes = publish.map((wish) => (publishAddress === undefined ? wish : { address: publishAddress, ...wish }));
  const had = new Set(company.flatMap(({ ports = [] }) => ports.map(samePort)));
  return wishes.filter((wish) => wish.host === undefined || !had.has(samePort({ ...wish, host: wish.host })));
}

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
