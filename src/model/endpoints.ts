/** Endpoints: create, join, leave, delete; and connect and disconnect, which do two of them in one go. */
import { PortolanError } from "../errors.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord, StoreChange } from "../store/records.ts";
import { addressWrites, type GiveBack, giveBack, releaseAddresses } from "./addressing.ts";
import type { Context } from "./context.ts";
import { endpointOwner, sandboxChange } from "./descriptions.ts";
import { checkDuplicates } from "./duplicates.ts";
import { prepareEndpoint } from "./endpoint-request.ts";
import { arrive, depart, unmade, whereDeparted } from "./external-endpoints.ts";
import { endpointInfo } from "./infos.ts";
import { joinedRecord } from "./joining.ts";
import { endpointKey, endpointNameKey, linkLocalKeys, membershipKeys, networkKey, sandboxKey } from "./keys.ts";
import type { LockRequest } from "./locks.ts";
import { checkFeatures } from "./network-request.ts";
import { parseEndpoint, parseJoin } from "./parse.ts";
import { isPredefined } from "./predefined.ts";
import { releasePorts } from "./publishing.ts";
import { networkOf } from "./related.ts";
import { throwIfAborted, transact } from "./transact.ts";
import type { ChangeOptions, ControllerEvent, EndpointInfo, EndpointSpec, JoinSpec } from "./types.ts";

interface Made {
  readonly id: string;
  readonly info: EndpointInfo;
}

/** The record of that id; throws `not-found` where it went meanwhile. */
export function present<Record>(what: string, id: string, records: ReadonlyMap<string, Record>): Record {
  const record = records.get(id);
  if (record !== undefined) return record;
  throw new PortolanError("not-found", `${what} ${id} not found`, { object: `${what} ${id}` });
}

const put = (record: EndpointRecord): StoreChange => ({ op: "put", collection: "endpoint", record });
const remove = ({ id }: EndpointRecord): StoreChange => ({ op: "delete", collection: "endpoint", id });

function emit(
  context: Context,
  type: "endpoint" | "network",
  action: ControllerEvent["action"],
  endpoint: EndpointRecord,
  network: NetworkRecord,
  sandbox?: SandboxRecord,
): void {
  const { id, name } = type === "network" ? network : endpoint;
  const attributes =
    type === "network"
      ? { endpoint: endpoint.id, sandbox: sandbox?.id ?? "", name: network.name, type: network.driver }
      : { network: network.name, type: network.driver };
  context.events.emit({ time: context.now(), type, action, id, name, attributes });
}

/** Makes an endpoint that is in no sandbox yet. */
export async function createEndpoint(
  context: Context,
  networkId: string,
  spec: EndpointSpec,
  options: ChangeOptions,
): Promise<Made> {
  const wish = parseEndpoint(spec);
  const names = wish.name === undefined ? [] : [endpointNameKey(networkId, wish.name)];
  const addresses = linkLocalKeys(networkId, wish.linkLocal);
  return context.locks.hold([networkKey(networkId, "shared"), ...names, ...addresses], async () => {
    throwIfAborted(options.signal);
    const network = present("network", networkId, context.records.networks);
    const back: GiveBack = [];
    try {
      const endpoint = await prepareEndpoint(context, network, wish, back);
      const done = await transact(
        context,
        {
          operation: "endpoint-create",
          direction: "undo",
          descriptions: new Map([[endpointOwner(endpoint.id), undefined]]),
          writes: [put(endpoint), ...addressWrites(network, endpoint, "put")],
          unwrites: [],
          remember: () => context.records.putEndpoint(endpoint),
        },
        options,
      );
      if (done) emit(context, "endpoint", "create", endpoint, network);
      await settleTaken(context, network, endpoint, done, back);
      return { id: endpoint.id, info: endpointInfo(endpoint, network, undefined) };
    } catch (error) {
      await giveBack(back);
      throw error;
    }
  });
}

/** What was taken stays where the change was made, but for the reservation of the MAC, which is in the records now. */
async function settleTaken(
  context: Context,
  network: NetworkRecord,
  { mac }: EndpointRecord,
  done: boolean,
  back: GiveBack,
): Promise<void> {
  if (!done) return giveBack(back);
  context.reservedMacs.delete(`${network.id} ${mac}`);
}

/** Makes an endpoint in a sandbox. */
export async function connect(
  context: Context,
  networkId: string,
  sandboxId: string,
  spec: EndpointSpec & JoinSpec,
  options: ChangeOptions,
): Promise<Made> {
  const join = parseJoin(spec);
  const before = present("network", networkId, context.records.networks);
  const { name: sandboxName } = present("sandbox", sandboxId, context.records.sandboxes);
  const wish = { name: sandboxName, ...parseEndpoint(spec) };
  const rights = [endpointNameKey(networkId, wish.name), ...linkLocalKeys(networkId, wish.linkLocal)];
  const keys = [...membershipKeys(before), sandboxKey(sandboxId), ...rights];
  return context.locks.hold(keys, async () => {
    throwIfAborted(options.signal);
    const network = present("network", networkId, context.records.networks);
    const sandbox = present("sandbox", sandboxId, context.records.sandboxes);
    const back: GiveBack = [];
    try {
      const bare = await prepareEndpoint(context, network, wish, back);
      await checkPredefined(context, network);
      const wanted = await joinedRecord(context, bare, sandbox, join);
      if (!options.dryRun) await checkDuplicates(context, network, wanted);
      const { endpoint, writes, keep } = await arrive(context, network, sandbox, wanted, back, options);
      const there = context.records.endpointsOfSandbox(sandbox.id);
      if (options.dryRun !== true) context.names?.prepare(sandbox, [...there, endpoint]);
      const done = await transact(
        context,
        {
          operation: "connect",
          direction: "undo",
          descriptions: sandboxChange(context, sandbox, there, [...there, endpoint]),
          writes: [put(endpoint), ...addressWrites(network, endpoint, "put"), ...writes],
          unwrites: [],
          remember: () => {
            keep();
            context.records.putEndpoint(endpoint);
          },
        },
        options,
      );
      if (done) {
        emit(context, "endpoint", "create", endpoint, network);
        emit(context, "network", "connect", endpoint, network, sandbox);
      }
      await settleTaken(context, network, endpoint, done, back);
      await context.names?.ready(sandboxId);
      return { id: endpoint.id, info: endpointInfo(endpoint, network, sandbox) };
    } catch (error) {
      context.names?.refresh(sandboxId);
      await giveBack(back);
      throw error;
    }
  });
}

/** The predefined networks were made without asking what the kernel can do. */
async function checkPredefined(context: Context, network: NetworkRecord): Promise<void> {
  if (!isPredefined(network) || context.records.joinedCount(network.id) > 0) return;
  await checkFeatures(context, network.name, context.drivers.get(network.driver)?.requires(network) ?? []);
}

/** Brings an endpoint into a sandbox. */
export async function joinEndpoint(
  context: Context,
  endpointId: string,
  sandboxId: string,
  spec: JoinSpec,
  options: ChangeOptions,
): Promise<void> {
  const join = parseJoin(spec);
  const before = networkOf(context, present("endpoint", endpointId, context.records.endpoints));
  const keys = [...membershipKeys(before), sandboxKey(sandboxId), endpointKey(endpointId)];
  await context.locks.hold(keys, async () => {
    const endpoint = present("endpoint", endpointId, context.records.endpoints);
    const sandbox = present("sandbox", sandboxId, context.records.sandboxes);
    const network = networkOf(context, endpoint);
    if (endpoint.join !== undefined) {
      const other = context.records.sandboxes.get(endpoint.join.sandboxId);
      throw new PortolanError("in-use", `endpoint ${endpoint.name} is in sandbox ${other?.name} already`, {
        object: `endpoint "${endpoint.name}"`,
        advice: "let it leave that sandbox first",
      });
    }
    await checkPredefined(context, network);
    const wanted = await joinedRecord(context, endpoint, sandbox, join);
    if (!options.dryRun) await checkDuplicates(context, network, wanted);
    const there = context.records.endpointsOfSandbox(sandbox.id);
    const back: GiveBack = [];
    try {
      const { endpoint: joined, writes, keep } = await arrive(context, network, sandbox, wanted, back, options);
      if (options.dryRun !== true) context.names?.prepare(sandbox, [...there, joined]);
      const done = await transact(
        context,
        {
          operation: "join",
          direction: "undo",
          descriptions: sandboxChange(context, sandbox, there, [...there, joined]),
          writes: [put(joined), ...writes],
          unwrites: [],
          remember: () => {
            keep();
            context.records.putEndpoint(joined);
          },
        },
        options,
      );
      if (done) emit(context, "network", "connect", joined, network, sandbox);
      await context.names?.ready(sandboxId);
    } catch (error) {
      context.names?.refresh(sandboxId);
      await giveBack(back);
      throw error;
    }
  });
}

/** What becomes of an endpoint that leaves: it stays, it goes, or it goes only if it is in no sandbox. */
export type Leaving = "keep" | "remove" | "remove-unjoined";

/** Takes an endpoint out of its sandbox. Throws `not-found` where it is in none and is to stay, `in-use` where it is in one and must not be. */
export async function leaveEndpoint(
  context: Context,
  endpointId: string,
  and: Leaving,
  options: ChangeOptions,
): Promise<void> {
  await holdMembership(context, endpointId, async (endpoint) => {
    const { join } = endpoint;
    const bare = unmade(endpoint);
    const network = networkOf(context, endpoint);
    const sandbox = join && context.records.sandboxes.get(join.sandboxId);
    checkLeaving(endpoint, sandbox, and);
    const there = sandbox === undefined ? [] : context.records.endpointsOfSandbox(sandbox.id);
    const stay = there.filter(({ id }) => id !== endpointId);
    const writes = and === "keep" ? [put(bare)] : [remove(endpoint), ...addressWrites(network, endpoint, "delete")];
    const departed = await depart(context, sandbox, endpoint, writes, options);
    const done = await transact(
      context,
      {
        operation: and === "keep" ? "leave" : "disconnect",
        direction: "redo",
        descriptions: sandbox === undefined ? new Map() : sandboxChange(context, sandbox, there, stay),
        writes: [...writes, ...departed],
        unwrites: and === "keep" ? [put(endpoint)] : [put(endpoint), ...addressWrites(network, endpoint, "put")],
        remember: () => (and === "keep" ? context.records.putEndpoint(bare) : context.records.deleteEndpoint(endpoint)),
      },
      whereDeparted(departed, options),
    );
    if (!done) return;
    if (sandbox !== undefined) emit(context, "network", "disconnect", endpoint, network, sandbox);
    if (and === "keep") return;
    await releaseAddresses(context, network, endpoint);
    releasePorts(context, endpoint.ports ?? []);
    emit(context, "endpoint", "delete", endpoint, network);
  });
}

function checkLeaving(endpoint: EndpointRecord, sandbox: SandboxRecord | undefined, and: Leaving): void {
  const object = `endpoint "${endpoint.name}"`;
  if (sandbox === undefined && and === "keep")
    throw new PortolanError("not-found", `endpoint ${endpoint.name} is in no sandbox`, { object });
  if (sandbox !== undefined && and === "remove-unjoined") {
    throw new PortolanError("in-use", `endpoint ${endpoint.name} is in sandbox ${sandbox.name}`, {
      object,
      advice: "let it leave first, or disconnect it",
    });
  }
}

/** Holds an endpoint with its network and the sandbox that it is in once they are held. */
async function holdMembership<Result>(
  context: Context,
  endpointId: string,
  work: (endpoint: EndpointRecord) => Promise<Result>,
): Promise<Result> {
  for (;;) {
    const before = present("endpoint", endpointId, context.records.endpoints);
    const sandbox: readonly LockRequest[] = before.join === undefined ? [] : [sandboxKey(before.join.sandboxId)];
    const keys = [...membershipKeys(networkOf(context, before)), ...sandbox, endpointKey(endpointId)];
    const result = await context.locks.hold(keys, async () => {
      const endpoint = present("endpoint", endpointId, context.records.endpoints);
      // It may have gone to another sandbox while we waited.
      if (endpoint.join?.sandboxId !== before.join?.sandboxId) return undefined;
      return { of: await work(endpoint) };
    });
    if (result !== undefined) return result.of;
  }
}
