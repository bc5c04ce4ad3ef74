/** Attachments that leave: a part of one, a whole one, and what containers left that ended without a word. */
import type { PublishedPort } from "../address/port.ts";
import type { AttachmentPart } from "../store/attachment.ts";
import type { EndpointRecord } from "../store/records.ts";
import { addressWrites, releaseAddresses } from "./addressing.ts";
import {
  findAttachment,
  putEndpoint,
  putNetwork,
  putSandbox,
  samePort,
  sandboxFor,
  tell,
} from "./attachment-records.ts";
import type { AttachmentKey } from "./attachment-types.ts";
import type { Context } from "./context.ts";
import { networkOwner, sandboxChange, sandboxOwner } from "./descriptions.ts";
import { endpointKey, hostKey, membershipKeys, sandboxKey } from "./keys.ts";
import { releasePorts } from "./publishing.ts";
import { networkOf } from "./related.ts";
import { transact } from "./transact.ts";

/**
 * Takes away what is left of containers that ended without a word: whose process's number, and so whose namespace's path, another one has by now; and the attachment itself
 * where its namespace is no more.
 */
export async function forgetStale(context: Context, key: AttachmentKey, namespace: string): Promise<void> {
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

/** Takes away the last part that a plugin added, with all that came after it where it is the interface. Nothing to take away is fine. */
export async function detach(context: Context, key: AttachmentKey, plugin: string): Promise<void> {
  const endpoint = findAttachment(context, key);
  if (endpoint === undefined) return;
  await leave(context, endpoint, (parts) => {
    const last = parts.findLastIndex((part) => part.plugin === plugin);
    const made = parts[last]?.made;
    // What came later stands on the interface: it goes along where a runtime takes a chain away from its beginning (GC).
    const isInterface = made !== undefined && ("routes" in made || made.kind === "joined");
    return isInterface ? parts.slice(0, last) : parts.filter((_, at) => at !== last);
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
    const keys = [hostKey, sandboxKey(sandboxId), ...membershipKeys(networkOf(context, known)), endpointKey(id)];
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
        ...(after === undefined ? addressWrites(network, endpoint, "delete") : []),
        ...changed.map(putEndpoint),
        ...(ends.sandbox ? [{ op: "delete", collection: "sandbox", id: sandbox.id } as const] : []),
        ...(ends.network ? [{ op: "delete", collection: "network", id: network.id } as const] : []),
      ],
      unwrites: [
        ...(after === undefined ? addressWrites(network, endpoint, "put") : []),
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
  if (after === undefined) await releaseAddresses(context, network, endpoint);
  if (after === undefined) tell(context, "disconnect", endpoint, network, sandbox);
}

/** An endpoint whose ports go when nothing of it publishes any. */
function withoutPorts(endpoint: EndpointRecord): EndpointRecord {
  if (endpoint.attachment?.parts.some(({ made }) => "wishes" in made)) return endpoint;
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
      (one.attachment?.parts ?? []).flatMap(({ made }) => ("wishes" in made ? made.wishes.map(samePort) : [])),
    );
    const own = free.filter((port) => wanted.has(samePort(port)));
    if (own.length === 0) return one;
    free = free.filter((port) => !own.includes(port));
    ports.push(...own);
    return { ...one, ports: [...(one.ports ?? []), ...own] };
  });
  return { others: changed, ports };
}
