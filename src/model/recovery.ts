/**
 * Start: what the store says is brought together with what the machine is now. Sandboxes that died with an earlier boot or whose namespace is gone are
 * forgotten; the ledger is rebuilt; and whatever an operation that was killed left behind goes, because nobody wants it.
 */
import type { IpAddress } from "../address/ip.ts";
import type { Pool } from "../ipam/ipam.ts";
import type { Sysctl } from "../state/objects.ts";
import type { EndpointRecord, SandboxRecord, StoreChange } from "../store/records.ts";
import type { StoreState } from "../store/store.ts";
import { addressWrites } from "./addressing.ts";
import type { Context } from "./context.ts";
import { departAgain } from "./external-endpoints.ts";
import { mend, mendingPlan } from "./mending.ts";
import { restorePorts } from "./publishing.ts";
import { networkOf } from "./related.ts";
import { rebuildLedger, recordWrites, renew, renewals } from "./renewing.ts";

/** Store record of the boot in which the engine last ran. */
const bootSetting = "boot-id";

/** The records, and what else the start needs to know of the store. */
export interface Restored {
  /** What the store says, with what an operation meant to write that a power failure kept from the disk. */
  readonly state: StoreState;
  /** Those writes. */
  readonly unfinished: readonly StoreChange[];
  readonly rebooted: boolean;
  /** Ids of sandboxes that nobody has any more, and their endpoints. */
  readonly gone: ReadonlySet<string>;
  readonly lost: readonly EndpointRecord[];
}

/** Restores the records from the store, but for what is forgotten. Nothing is asked of the kernel but whether namespaces of others are still there. */
export async function restoreRecords(context: Context, found: StoreState): Promise<Restored> {
  const lastBoot = found.setting.find(({ id }) => id === bootSetting)?.value;
  const rebooted = lastBoot !== context.bootId;
  const unfinished = [
    ...(rebooted ? found.intent.flatMap(({ writes = [] }) => writes) : []),
    ...found.departure.flatMap(({ writes }) => writes),
  ];
  const state = withWrites(found, unfinished);
  for (const record of state.network) context.records.putNetwork(record);
  for (const record of state.departure) context.departures.set(record.id, record);
  for (const { id, value } of state.original) context.originals.set(id, value);
  const gone = await forgottenSandboxes(context, state.sandbox);
  for (const record of state.sandbox) if (!gone.has(record.id)) context.records.putSandbox(record);
  const lost: EndpointRecord[] = [];
  for (const record of state.endpoint) {
    if (record.join !== undefined && gone.has(record.join.sandboxId)) lost.push(record);
    else context.records.putEndpoint(record);
  }
  return { state, unfinished, rebooted, gone, lost };
}

/**
 * Restores what goes with the records, and makes the kernel as they say: `always`, or only where an operation was `interrupted` or the machine was
 * started anew. What has to be written waits for the next commit. Throws `kernel` where the kernel cannot be made so.
 */
export async function recover(
  context: Context,
  { state, unfinished, rebooted, gone, lost }: Restored,
  mending: "always" | "interrupted",
): Promise<void> {
  const writes = [...unfinished, ...forgetting(context, gone, lost), ...(await departAgain(context, state, lost))];
  restoreAddresses(context, state, lost);
  // Of an earlier boot no container is left that could have an address.
  const stale = rebooted ? state.reservation : [];
  context.reservations.restore(rebooted ? [] : state.reservation, state.setting);
  writes.push(...stale.map(({ id }): StoreChange => ({ op: "delete", collection: "reservation", id })));
  writes.push(...forgetAttachmentNetworks(context));
  for (const endpoint of context.records.endpoints.values()) restorePorts(context, endpoint);
  if (mending === "always" || rebooted) {
    const renewed = await renewals(context);
    renew(context, renewed);
    writes.push(...recordWrites(renewed, "after"));
  }
  rebuildLedger(context);
  if (mending === "always" || rebooted || state.intent.length > 0 || gone.size > 0) {
    const left = [...state.intent.flatMap(({ objects }) => objects), ...(rebooted ? [] : unwantedSettings(context))];
    const changes = await mendingPlan(context, left);
    if (changes.length > 0) await mend(context, changes);
  }
  if (rebooted) writes.push({ op: "put", collection: "setting", record: { id: bootSetting, value: context.bootId } });
  context.deferred.push(...writes, ...resolved(context, state));
}

/** Forgets networks of CNI's runtimes whose last attachment is lost: they would have gone with it. */
function forgetAttachmentNetworks({ records }: Context): readonly StoreChange[] {
  const empty = [...records.networks.values()].filter(
    ({ id, driver }) => driver === "attachment" && records.endpointCount(id) === 0,
  );
  for (const network of empty) records.deleteNetwork(network);
  return empty.map(({ id }) => ({ op: "delete", collection: "network", id }));
}

/** The state as it is with writes that are still to be made. */
function withWrites(state: StoreState, writes: readonly StoreChange[]): StoreState {
  const after: Record<string, readonly { readonly id: string }[]> = { ...state };
  for (const change of writes) {
    const id = change.op === "put" ? change.record.id : change.id;
    const others = after[change.collection]?.filter((record) => record.id !== id) ?? [];
    after[change.collection] = change.op === "put" ? [...others, change.record] : others;
  }
  return after as unknown as StoreState; // each record in its own collection
}

/** Sysctls of the host that only what is forgotten wanted, with the values to go back to; those of an earlier boot are not the machine's any more. */
function unwantedSettings({ ledger, originals }: Context): readonly Sysctl[] {
  return [...originals]
    .map(([name, original]): Sysctl => ({ kind: "sysctl", namespace: "host", name, value: "", original }))
    .filter((object) => !ledger.wants(object));
}

/** Writes that forget intents, which are resolved, and original values that nobody will go back to. */
function resolved({ ledger, originals }: Context, state: StoreState): readonly StoreChange[] {
  const wanted = new Set(ledger.all().flatMap((object) => (object.kind === "sysctl" ? [object.name] : [])));
  const unneeded = state.original.filter(({ id }) => !wanted.has(id));
  for (const { id } of unneeded) originals.delete(id);
  return [
    ...state.intent.map(({ id }): StoreChange => ({ op: "delete", collection: "intent", id })),
    ...unneeded.map(({ id }): StoreChange => ({ op: "delete", collection: "original", id })),
  ];
}

/** Ids of the sandboxes whose namespace is no more: of an earlier boot where it is ours, else whenever it is not there. */
async function forgottenSandboxes(context: Context, sandboxes: readonly SandboxRecord[]): Promise<ReadonlySet<string>> {
  const gone = new Set<string>();
  for (const { id, namespace, owned, bootId } of sandboxes) {
    if (namespace === "host") continue;
    const lost = owned ? bootId !== context.bootId : !(await context.engine.namespaceExists(namespace));
    if (lost) gone.add(id);
  }
  return gone;
}

const forgetting = (
  context: Context,
  sandboxes: ReadonlySet<string>,
  endpoints: readonly EndpointRecord[],
): readonly StoreChange[] => [
  ...endpoints.flatMap((one): StoreChange[] => [
    { op: "delete", collection: "endpoint", id: one.id },
    ...addressWrites(networkOf(context, one), one, "delete"),
  ]),
  ...[...sandboxes].map((id): StoreChange => ({ op: "delete", collection: "sandbox", id })),
];

/** Tells the IPAM drivers what was given out. */
function restoreAddresses(context: Context, state: StoreState, lost: readonly EndpointRecord[]): void {
  const free = new Set(
    lost
      .flatMap((one) => addressWrites(networkOf(context, one), one, "delete"))
      .map((change) => ("id" in change ? change.id : "")),
  );
  const given = Map.groupBy(
    state.address.filter(({ id }) => !free.has(id)),
    ({ poolId }) => poolId,
  );
  const pools = Map.groupBy(state.pool, ({ driver }) => driver);
  for (const [name, records] of pools) {
    const restored = records.map(({ id, addressSpace, subnet, ipRange }): { pool: Pool; addresses: IpAddress[] } => ({
      pool: { id, addressSpace, subnet, ...(ipRange !== undefined && { ipRange }) },
      addresses: (given.get(id) ?? []).map(({ address }) => address),
    }));
    context.ipam.get(name)?.restore(restored);
  }
}
