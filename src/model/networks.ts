/** Networks: create, delete. */
import { isPortolanError, PortolanError } from "../errors.ts";
import type { NetworkRecord, StoreChange } from "../store/records.ts";
import { type GiveBack, giveBack, ipamNamed, poolWrites } from "./addressing.ts";
import type { Context } from "./context.ts";
import { networkObjects, networkOwner } from "./descriptions.ts";
import { filtered, networkFilters } from "./filters.ts";
import { networkInfo } from "./infos.ts";
import { hostKey, networkKey } from "./keys.ts";
import { prepareNetwork } from "./network-request.ts";
import { parseName } from "./parse.ts";
import { isPredefined } from "./predefined.ts";
import { throwIfAborted, transact } from "./transact.ts";
import type { ChangeOptions, Filters, NetworkInfo, NetworkSpec } from "./types.ts";

/** Makes a network; see {@link NetworkSpec}. */
export async function createNetwork(
  context: Context,
  spec: NetworkSpec,
  options: ChangeOptions,
): Promise<{ readonly id: string; readonly info: NetworkInfo }> {
  const name = parseName("network", spec.name);
  return context.locks.hold([hostKey], async () => {
    throwIfAborted(options.signal);
    if (context.records.networkNamed(name) !== undefined) {
      throw new PortolanError("exists", `network with name ${name} already exists`, {
        object: `network "${name}"`,
        advice: "choose another name, or remove that network first",
      });
    }
    const back: GiveBack = [];
    try {
      const record = await prepareNetwork(context, name, spec, back);
      const done = await transact(
        context,
        {
          operation: "network-create",
          direction: "undo",
          descriptions: new Map([[networkOwner(record.id), networkObjects(context, record, 0)]]),
          writes: writesOf(record, "put"),
          unwrites: writesOf(record, "delete"),
          durable: true,
          remember: () => context.records.putNetwork(record),
        },
        options,
      );
      const info = networkInfo(context.records, record);
      if (done) emit(context, "create", record);
      else await giveBack(back);
      return { id: record.id, info };
    } catch (error) {
      await giveBack(back);
      throw error;
    }
  });
}

/** Removes a network; throws `in-use` while it has endpoints, `forbidden` for a predefined one. */
export async function deleteNetwork(context: Context, id: string, options: ChangeOptions): Promise<void> {
  await context.locks.hold([hostKey, networkKey(id, "exclusive")], async () => {
    const record = context.records.networks.get(id);
    if (record === undefined)
      throw new PortolanError("not-found", `network ${id} not found`, { object: `network ${id}` });
    checkDeletable(context, record);
    const done = await transact(
      context,
      {
        operation: "network-delete",
        direction: "redo",
        descriptions: new Map([[networkOwner(id), undefined]]),
        writes: writesOf(record, "delete"),
        unwrites: writesOf(record, "put"),
        durable: true,
        remember: () => context.records.deleteNetwork(record),
      },
      options,
    );
    if (!done) return;
    if (!record.configOnly) {
      const ipam = ipamNamed(context, record.ipam.driver);
      for (const { poolId } of record.ipam.pools) await ipam.releasePool(poolId);
    }
    emit(context, "delete", record);
  });
}

function checkDeletable(context: Context, record: NetworkRecord): void {
  const { name } = record;
  if (isPredefined(record)) {
    throw new PortolanError("forbidden", `${name} is a pre-defined network and cannot be removed`, {
      object: `network "${name}"`,
    });
  }
  const [first] = context.records.endpointsOfNetwork(record.id);
  if (first !== undefined) {
    const count = context.records.endpointCount(record.id);
    throw new PortolanError("in-use", `network ${name} has active endpoints`, {
      object: `network "${name}"`,
      reason: `it has ${count} endpoint${count === 1 ? "" : "s"}: "${first.name}"${count === 1 ? "" : " and others"}`,
      advice: "disconnect them first (`portolan network disconnect`)",
    });
  }
  const user = [...context.records.networks.values()].find(({ configFrom }) => configFrom === name);
  if (record.configOnly && user !== undefined) {
    throw new PortolanError("in-use", `configuration network ${name} is in use`, {
      object: `network "${name}"`,
      reason: `network "${user.name}" has its settings from it`,
    });
  }
}

const writesOf = (record: NetworkRecord, op: "put" | "delete"): readonly StoreChange[] => [
  op === "put" ? { op, collection: "network", record } : { op, collection: "network", id: record.id },
  ...(record.configOnly ? [] : poolWrites(record, op)),
];

const emit = (context: Context, action: "create" | "delete", { id, name, driver }: NetworkRecord): void => {
  context.events.emit({ time: context.now(), type: "network", action, id, name, attributes: { driver } });
};

/** Deletes the networks that match and have no endpoints; what went. Predefined ones stay. */
export async function pruneNetworks(
  context: Context,
  filters: Filters,
  options: ChangeOptions,
): Promise<readonly NetworkInfo[]> {
  const infos = [...context.records.networks.values()].map((record) => networkInfo(context.records, record));
  const gone: NetworkInfo[] = [];
  for (const info of filtered(infos, filters, networkFilters)) {
    if (isPredefined(info) || info.endpoints.length > 0) continue;
    try {
      await deleteNetwork(context, info.id, options);
      gone.push(info);
    } catch (error) {
      // Somebody came to use it, or took it away, meanwhile.
      if (!isPortolanError(error, "in-use") && !isPortolanError(error, "not-found")) throw error;
    }
  }
  return gone;
}
