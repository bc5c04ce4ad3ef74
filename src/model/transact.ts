/**
 * One change of the model, all or nothing, also when the process is killed in the middle. What creates leaves an intent in the store before it touches the
 * kernel, and commits its records with the intent's end: found at start, the intent is undone. What deletes commits the end of the records with the intent
 * first: found at start, the intent is finished. So the store always says which of the two states the kernel has to be in.
 */
import { PortolanError } from "../errors.ts";
import { keyOf } from "../state/kinds/registry.ts";
import type { Descriptions, Owner } from "../state/ledger.ts";
import { settingsOf } from "../state/link-settings.ts";
import type { KernelObject } from "../state/objects.ts";
import { inversePlan } from "../state/plan.ts";
import type { Change, Plan } from "../state/plan-types.ts";
import type { IntentRecord, StoreChange } from "../store/records.ts";
import { type Context, newId } from "./context.ts";
import type { ChangeOptions } from "./types.ts";

export interface Transaction {
  /** What is being done, for whoever reads the store: `connect`. */
  readonly operation: string;
  /** `undo` for what creates, `redo` for what deletes. */
  readonly direction: IntentRecord["direction"];
  readonly descriptions: Descriptions;
  /** Writes that make the change, and those that take it back. */
  readonly writes: readonly StoreChange[];
  readonly unwrites: readonly StoreChange[];
  /** Must survive a power failure. */
  readonly durable?: boolean;
  /** Brings the records in memory up to date; called once the change is a fact. */
  readonly remember: () => void;
}

/** Makes the change; whether it was made: a dry run stops at the plan. Throws `kernel`, `store`, `aborted`; then nothing has changed. */
export async function transact(context: Context, transaction: Transaction, options: ChangeOptions): Promise<boolean> {
  throwIfAborted(options.signal);
  const originals = new Map<string, string>();
  const descriptions = await withOriginals(context, transaction.descriptions, originals);
  const { plan, commit } = context.ledger.propose(descriptions);
  options.onPlan?.(plan);
  if (options.dryRun === true) return false;
  throwIfAborted(options.signal);
  if (plan.length === 0) await write(context, transaction);
  else if (transaction.direction === "undo") await create(context, transaction, plan, originals, options.signal);
  else await remove(context, transaction, plan);
  commit();
  keepOriginals(context, plan, originals);
  transaction.remember();
  if (plan.length > 0) for (const follow of context.followers) await follow();
  return true;
}

/** Throws `aborted` where the caller took the request back. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new PortolanError("aborted", "the request was taken back", { cause: signal.reason });
}

/** A change that the kernel has no part in. */
async function write(context: Context, { writes, unwrites, durable = false }: Transaction): Promise<void> {
  await commitAll(context, writes);
  if (!durable) return;
  try {
    await context.store.flush();
  } catch (error) {
    await commitAll(context, unwrites);
    throw error;
  }
}

async function create(
  context: Context,
  transaction: Transaction,
  plan: Plan,
  originals: ReadonlyMap<string, string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { writes, durable = false } = transaction;
  const intent = { ...intentOf(context, transaction, plan), ...(durable && { writes }) };
  const puts = [...originals].map(
    ([id, value]): StoreChange => ({ op: "put", collection: "original", record: { id, value } }),
  );
  await commitAll(context, [{ op: "put", collection: "intent", record: intent }, ...puts]);
  // The disk works beside the kernel.
  const flushed = durable ? settled(context.store.flush()) : undefined;
  const ended: StoreChange = { op: "delete", collection: "intent", id: intent.id };
  const forgotten = [...originals.keys()].map((id): StoreChange => ({ op: "delete", collection: "original", id }));
  /** Forgets the intent, but one that could not be undone: it stays for the next start. */
  const forget = async (failure: unknown): Promise<void> => {
    if (failure instanceof PortolanError && failure.suppressed.length > 0) return;
    context.deferred.push(ended, ...forgotten);
    await flushDeferred(context);
    // Or a power failure would bring back what has failed.
    if (durable) await settled(context.store.flush());
  };
  try {
    await context.engine.apply(plan);
  } catch (error) {
    await forget(error);
    throw error;
  }
  try {
    throwIfAborted(signal);
    const failure = await flushed;
    if (failure !== undefined) throw failure;
    await context.store.commit([...writes, ...unneededOriginals(plan), ended]);
  } catch (error) {
    const failure = withSuppressed(error, await undone(context, plan));
    await forget(failure);
    throw failure;
  }
}

async function remove(context: Context, transaction: Transaction, plan: Plan): Promise<void> {
  const { writes, unwrites, durable = false } = transaction;
  const intent = intentOf(context, transaction, plan);
  const begun: StoreChange = { op: "put", collection: "intent", record: intent };
  const ended: StoreChange = { op: "delete", collection: "intent", id: intent.id };
  await commitAll(context, [...writes, begun]);
  try {
    if (durable) await context.store.flush();
    await context.engine.apply(plan);
  } catch (error) {
    try {
      await context.store.commit([...unwrites, ended]);
      if (durable) await context.store.flush();
    } catch (second) {
      throw withSuppressed(error, [second]);
    }
    throw error;
  }
  context.deferred.push(...unneededOriginals(plan));
  // A start would not find by itself what waits for its deletion in a namespace that nobody knows any more.
  if (plan.some(leavesLink)) void context.engine.departed().then(() => context.deferred.push(ended));
  else context.deferred.push(ended);
}

/** Whether a link that is deleted is in a sandbox: it is put out of the way first. */
const leavesLink = ({ action, object }: Change): boolean =>
  action === "delete" && object.kind === "link" && object.namespace !== "host";

/** Takes a plan back; the errors of doing so. */
async function undone(context: Context, plan: Plan): Promise<readonly unknown[]> {
  try {
    await context.engine.apply(inversePlan(plan));
    return [];
  } catch (error) {
    return [error];
  }
}

/** An error with what failed while it was undone. */
export function withSuppressed(error: unknown, suppressed: readonly unknown[]): unknown {
  if (suppressed.length === 0 || !(error instanceof PortolanError)) return error;
  return new PortolanError(error.code, error.message, {
    ...error.toJSON(),
    cause: error.cause,
    suppressed: [...error.suppressed, ...suppressed],
  });
}

/**
 * The objects that a start would not find by itself. It finds the elements of every set that it looks at, wanted ones or not, and those of a thousand published ports are most of a megabyte;
 * the ports themselves were held by whoever was killed.
 */
function intentOf(context: Context, { operation, direction }: Transaction, plan: Plan): IntentRecord {
  const objects = plan.flatMap(({ action, object }) =>
    (direction === "redo" || action !== "delete") && object.kind !== "nft-element" && object.kind !== "port"
      ? [object]
      : [],
  );
  return { id: newId(context).slice(0, 16), operation, direction, objects };
}

/** What a promise is rejected with; undefined where it is not. */
const settled = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Commits the writes together with those that wait. Throws `store`; then these still wait. */
export async function commitAll(context: Context, writes: readonly StoreChange[]): Promise<void> {
  const waiting = context.deferred.splice(0);
  try {
    await context.store.commit([...waiting, ...writes]);
  } catch (error) {
    context.deferred.unshift(...waiting);
    throw error;
  }
}

/** Writes what waits. A failure is no error: what stays in the store is done again at the next start, and changes nothing. */
export async function flushDeferred(context: Context): Promise<void> {
  if (context.deferred.length > 0) await commitAll(context, []).catch(() => undefined);
}

/** Descriptions in which every host sysctl knows the value to go back to; those just read are added to `read`. */
async function withOriginals(
  context: Context,
  descriptions: Descriptions,
  read: Map<string, string>,
): Promise<Descriptions> {
  const names = new Set<string>();
  for (const objects of descriptions.values()) {
    // What a link comes with goes with it; what is set later is set back.
    const made = (objects ?? []).filter(
      (object) => object.kind !== "link" || context.ledger.get(keyOf(object)) === undefined,
    );
    const ofOwnLinks = settingsOf(made);
    for (const object of objects ?? []) {
      if (object.kind !== "sysctl" || object.namespace !== "host" || context.originals.has(object.name)) continue;
      if (!ofOwnLinks(object) && context.ledger.get(keyOf(object)) === undefined) names.add(object.name);
    }
  }
  if (names.size > 0) {
    const wanted = [...names];
    const values = await context.engine.readSysctls("host", wanted);
    for (const [i, name] of wanted.entries()) {
      const value = values[i];
      if (value !== undefined) read.set(name, value);
    }
  }
  return fillOriginals(descriptions, (name) => context.originals.get(name) ?? read.get(name));
}

/** Descriptions in which host sysctls carry the values to go back to. */
export function fillOriginals(
  descriptions: Descriptions,
  originalOf: (name: string) => string | undefined,
): Descriptions {
  const filled = (object: KernelObject): KernelObject => {
    if (object.kind !== "sysctl" || object.namespace !== "host") return object;
    const original = originalOf(object.name);
    return original === undefined ? object : { ...object, original };
  };
  return new Map<Owner, readonly KernelObject[] | undefined>(
    [...descriptions].map(([owner, objects]) => [owner, objects?.map(filled)]),
  );
}

/** Names of the host sysctls that a plan gives back. */
const restoredSysctls = (plan: Plan): readonly string[] =>
  plan.flatMap(({ action, object }) =>
    action === "delete" && object.kind === "sysctl" && object.namespace === "host" ? [object.name] : [],
  );

const unneededOriginals = (plan: Plan): readonly StoreChange[] =>
  restoredSysctls(plan).map((id) => ({ op: "delete", collection: "original", id }));

function keepOriginals(context: Context, plan: Plan, read: ReadonlyMap<string, string>): void {
  const set = new Set(plan.map(({ object }) => keyOf(object)));
  for (const [name, value] of read) if (set.has(`sysctl host ${name}`)) context.originals.set(name, value);
  for (const name of restoredSysctls(plan)) context.originals.delete(name);
}
