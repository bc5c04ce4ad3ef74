/** Sandboxes: create, delete. */
import { join } from "node:path";
import { parseHostName } from "../address/host-name.ts";
import { PortolanError } from "../errors.ts";
import type { EndpointRecord, SandboxRecord, StoreChange } from "../store/records.ts";
import { addressWrites, releaseAddresses } from "./addressing.ts";
import { type Context, newId, timestamp } from "./context.ts";
import { sandboxChange, sandboxObjects, sandboxOwner } from "./descriptions.ts";
import { present } from "./endpoints.ts";
import { depart, whereDeparted } from "./external-endpoints.ts";
import { sandboxInfo } from "./infos.ts";
import { endpointKey, membershipKeys, sandboxKey, sandboxNameKey } from "./keys.ts";
import { parseNaming } from "./naming-request.ts";
import { parseName, parseTexts } from "./parse.ts";
import { releasePorts } from "./publishing.ts";
import { networkOf } from "./related.ts";
import { throwIfAborted, transact } from "./transact.ts";
import type { ChangeOptions, SandboxInfo, SandboxSpec } from "./types.ts";

/** Makes a sandbox: a namespace of its own, one that is there (path or process), or the host's stack. */
export async function createSandbox(
  context: Context,
  spec: SandboxSpec,
  options: ChangeOptions,
): Promise<{ readonly id: string; readonly info: SandboxInfo }> {
  const name = parseName("sandbox", spec.name);
  const naming = parseNaming(spec);
  return context.locks.hold([sandboxNameKey(name)], async () => {
    throwIfAborted(options.signal);
    if (context.records.sandboxNamed(name) !== undefined) {
      throw new PortolanError("exists", `sandbox with name ${name} already exists`, {
        object: `sandbox "${name}"`,
        advice: "choose another name, or remove that sandbox first",
      });
    }
    const id = newId(context);
    const namespace = await namespaceFor(context, spec, id);
    const record: SandboxRecord = {
      id,
      name,
      created: timestamp(context),
      namespace: namespace.path,
      owned: namespace.owned,
      bootId: context.bootId,
      ...(spec.hostname !== undefined && { hostname: parseHostName("hostname", spec.hostname) }),
      ...(naming !== undefined && { naming }),
      labels: parseTexts("label", spec.labels),
    };
    const done = await transact(
      context,
      {
        operation: "sandbox-create",
        direction: "undo",
        descriptions: new Map([[sandboxOwner(id), sandboxObjects(context, record, [])]]),
        writes: [put(record)],
        unwrites: [],
        remember: () => context.records.putSandbox(record),
      },
      options,
    );
    if (done) emit(context, "create", record);
    return { id, info: sandboxInfo(context, record, {}) };
  });
}

/** Where the sandbox lives. Throws `invalid-argument`, `not-found`, `in-use`. */
async function namespaceFor(
  context: Context,
  { name, netns, pid, host }: SandboxSpec,
  id: string,
): Promise<{ readonly path: SandboxRecord["namespace"]; readonly owned: boolean }> {
  const given = [netns !== undefined, pid !== undefined, host === true].filter(Boolean).length;
  const object = `sandbox "${name}"`;
  if (given > 1) {
    throw new PortolanError("invalid-argument", "a sandbox is one of a namespace path, a process, or the host", {
      object,
      advice: "give one of them, or none for a new namespace",
    });
  }
  if (host === true) return { path: "host", owned: false };
  if (given === 0)
    return { path: `/${join(context.runDir, "netns", id.slice(0, 12)).replace(/^\/+/, "")}`, owned: true };
  if (pid !== undefined && !(Number.isSafeInteger(pid) && pid > 0)) {
    throw new PortolanError("invalid-argument", `${pid} is not a process id`, { object });
  }
  const path = netns ?? `/proc/${pid}/ns/net`;
  if (!isAbsolute(path)) {
    throw new PortolanError("invalid-argument", `the namespace path "${path}" is not absolute`, {
      object,
      advice: "give the whole path, such as /run/netns/NAME",
    });
  }
  if (!(await context.engine.namespaceExists(path))) {
    throw new PortolanError("not-found", `${path} is not a network namespace`, {
      object,
      advice: "give the path of a namespace file, such as /run/netns/NAME, or the id of a running process",
    });
  }
  const other = [...context.records.sandboxes.values()].find(({ namespace }) => namespace === path);
  if (other !== undefined) {
    throw new PortolanError("in-use", `the namespace ${path} is sandbox ${other.name} already`, {
      object,
      advice: `use sandbox "${other.name}"`,
    });
  }
  return { path, owned: false };
}

const isAbsolute = (path: string): path is `/${string}` => path.startsWith("/");

/** Takes everything out of a sandbox and removes it, in one plan. */
export async function deleteSandbox(context: Context, id: string, options: ChangeOptions): Promise<void> {
  for (;;) {
    const before = context.records.endpointsOfSandbox(present("sandbox", id, context.records.sandboxes).id);
    const keys = before.flatMap((one) => [...membershipKeys(networkOf(context, one)), endpointKey(one.id)]);
    const known = new Set(before.map((one) => one.id));
    const held = await context.locks.hold([...keys, sandboxKey(id)], async () => {
      const record = present("sandbox", id, context.records.sandboxes);
      const endpoints = context.records.endpointsOfSandbox(id);
      // More may have come while we waited, whose networks are not held.
      if (!endpoints.every((one) => known.has(one.id))) return false;
      await removeAll(context, record, endpoints, options);
      return true;
    });
    if (held) return;
  }
}

async function removeAll(
  context: Context,
  record: SandboxRecord,
  endpoints: readonly EndpointRecord[],
  options: ChangeOptions,
): Promise<void> {
  const descriptions = sandboxChange(context, record, endpoints, []);
  descriptions.set(sandboxOwner(record.id), undefined);
  const addresses = (op: "put" | "delete"): readonly StoreChange[] =>
    endpoints.flatMap((one) => addressWrites(networkOf(context, one), one, op));
  const departed: StoreChange[] = [];
  for (const one of endpoints) {
    const gone: StoreChange = { op: "delete", collection: "endpoint", id: one.id };
    departed.push(...(await depart(context, record, one, [gone], options)));
  }
  const done = await transact(
    context,
    {
      operation: "sandbox-delete",
      direction: "redo",
      descriptions,
      writes: [
        ...endpoints.map((one): StoreChange => ({ op: "delete", collection: "endpoint", id: one.id })),
        ...addresses("delete"),
        { op: "delete", collection: "sandbox", id: record.id },
        ...departed,
      ],
      unwrites: [
        put(record),
        ...endpoints.map((one): StoreChange => ({ op: "put", collection: "endpoint", record: one })),
        ...addresses("put"),
      ],
      remember: () => {
        for (const one of endpoints) context.records.deleteEndpoint(one);
        context.records.deleteSandbox(record);
      },
    },
    whereDeparted(departed, options),
  );
  if (!done) return;
  for (const one of endpoints) {
    const network = networkOf(context, one);
    await releaseAddresses(context, network, one);
    releasePorts(context, one.ports ?? []);
    const time = context.now();
    const attributes = { network: network.name, type: network.driver };
    context.events.emit({
      time,
      type: "network",
      action: "disconnect",
      id: network.id,
      name: network.name,
      attributes: { endpoint: one.id, sandbox: record.id, name: network.name, type: network.driver },
    });
    context.events.emit({ time, type: "endpoint", action: "delete", id: one.id, name: one.name, attributes });
  }
  emit(context, "delete", record);
}

const put = (record: SandboxRecord): StoreChange => ({ op: "put", collection: "sandbox", record });

const emit = (context: Context, action: "create" | "delete", { id, name, namespace }: SandboxRecord): void => {
  context.events.emit({ time: context.now(), type: "sandbox", action, id, name, attributes: { namespace } });
};
