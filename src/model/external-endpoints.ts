/**
 * Endpoints that somebody outside of the engine makes: made before the change that records them, taken away before the change that forgets them, each with a departure in the
 * store first. Whatever is killed, the departure says what may be there, and the next start takes it away.
 */
import { cidrFamily } from "../address/cidr.ts";
import { parseMac } from "../address/mac.ts";
import { isPortolanError, PortolanError } from "../errors.ts";
import type { DepartureRecord, EndpointRecord, NetworkRecord, SandboxRecord, StoreChange } from "../store/records.ts";
import type { StoreState } from "../store/store.ts";
import type { GiveBack } from "./addressing.ts";
import type { Context } from "./context.ts";
import type { MadeEndpoint } from "./endpoint-maker.ts";
import { makerOf } from "./external.ts";
import { networkOf } from "./related.ts";
import { commitAll, flushDeferred } from "./transact.ts";
import type { ChangeOptions } from "./types.ts";

/** An endpoint as it came into a sandbox, and what the change that records it does besides. */
export interface Arrival {
  readonly endpoint: EndpointRecord;
  readonly writes: readonly StoreChange[];
  /** To be called when the change is a fact. */
  readonly keep: () => void;
}

const put = (record: DepartureRecord): StoreChange => ({ op: "put", collection: "departure", record });
const remove = ({ id }: Pick<DepartureRecord, "id">): StoreChange => ({ op: "delete", collection: "departure", id });

/**
 * Has an endpoint made that is to join a sandbox; what describes itself is answered as it is. Taking it away again is put into `back`. Throws what the maker throws, `forbidden`
 * for a sandbox on the host's own stack.
 */
export async function arrive(
  context: Context,
  network: NetworkRecord,
  sandbox: SandboxRecord,
  endpoint: EndpointRecord,
  back: GiveBack,
  { dryRun, signal }: ChangeOptions,
): Promise<Arrival> {
  const same = { endpoint, writes: [], keep: () => undefined };
  if (endpoint.external === undefined) return same;
  const departure = departureOf(network, sandbox, endpoint);
  if (dryRun === true) return same;
  const maker = makerOf(context, network);
  for (const other of left(context, sandbox)) {
    if (other.interfaceName === departure.interfaceName) await takeAway(context, other);
  }
  await commitAll(context, [put(departure)]);
  context.departures.set(departure.id, departure);
  let made: MadeEndpoint;
  try {
    made = await context.locks.aside(() => maker.make(departure, signal));
  } catch (error) {
    // What could not be undone either is left for later.
    if (isPortolanError(error) && error.suppressed.length > 0) await fail(context, departure, error.suppressed[0]);
    else await forget(context, departure);
    throw error;
  }
  back.push(async () => {
    const failure = await attempt(context, departure);
    if (failure === undefined) await forget(context, departure);
    else await fail(context, departure, failure);
  });
  const { defaults } = await context.engine.facts(sandbox.namespace);
  const own = defaults
    .filter(({ link }) => link === departure.interfaceName)
    .map(({ family, gateway }) => ({ family, ...(gateway !== undefined && { gateway }) }));
  const of = (family: 4 | 6) => made.addresses.find((one) => cidrFamily(one) === family);
  const [ipv4, ipv6] = [of(4), of(6)];
  return {
    endpoint: {
      ...endpoint,
      ...(made.mac !== undefined && { mac: made.mac }),
      ...(ipv4 !== undefined && { ipv4 }),
      ...(ipv6 !== undefined && { ipv6 }),
      external: { ...endpoint.external, ...(own.length > 0 && { defaults: own }) },
    },
    writes: [remove(departure)],
    keep: () => context.departures.delete(departure.id),
  };
}

/** An endpoint that is in no sandbox any more: without what its maker gave it. */
export function unmade({ join: _, ...endpoint }: EndpointRecord): EndpointRecord {
  if (endpoint.external === undefined) return endpoint;
  const { ipv4: __, ipv6: ___, mac: ____, external, ...bare } = endpoint;
  const { mac } = external.asked;
  return { ...bare, ...(typeof mac === "string" && { mac: parseMac(mac) }), external: { asked: external.asked } };
}

/**
 * Has an endpoint taken away that leaves a sandbox by the change with these `writes`; what that change has to write besides. What cannot be taken away keeps nothing else from
 * going: it is told, and tried again.
 */
export async function depart(
  context: Context,
  sandbox: SandboxRecord | undefined,
  endpoint: EndpointRecord,
  writes: readonly StoreChange[],
  { dryRun, signal }: ChangeOptions,
): Promise<readonly StoreChange[]> {
  if (endpoint.external === undefined || sandbox === undefined || dryRun === true || signal?.aborted === true)
    return [];
  const departure = { ...departureOf(networkOf(context, endpoint), sandbox, endpoint), writes };
  await commitAll(context, [put(departure)]);
  context.departures.set(departure.id, departure);
  for (const other of left(context, sandbox)) if (other.id !== departure.id) await retry(context, other);
  const failure = await attempt(context, departure);
  if (failure === undefined) {
    context.departures.delete(departure.id);
    return [remove(departure)];
  }
  return [put(note(context, departure, failure))];
}

/** Options of a change that goes with departures, which nobody can take back. */
export function whereDeparted(departed: readonly StoreChange[], options: ChangeOptions): ChangeOptions {
  const { signal: _, ...rest } = options;
  return departed.length > 0 ? rest : options;
}

/** Takes away what is left of endpoints of before the start, and those whose sandbox is gone; what there is to write. */
export async function departAgain(
  context: Context,
  state: StoreState,
  lost: readonly EndpointRecord[],
): Promise<readonly StoreChange[]> {
  for (const endpoint of lost) {
    const sandbox = state.sandbox.find(({ id }) => id === endpoint.join?.sandboxId);
    if (endpoint.external === undefined || sandbox === undefined) continue;
    context.departures.set(endpoint.id, departureOf(networkOf(context, endpoint), sandbox, endpoint));
  }
  const writes: StoreChange[] = [];
  for (const departure of [...context.departures.values()]) {
    // Nobody holds anything yet.
    const failure = await attempt(context, departure, (work) => work());
    if (failure !== undefined) writes.push(put(note(context, departure, failure)));
    else {
      context.departures.delete(departure.id);
      writes.push(remove(departure));
    }
  }
  return writes;
}

/** Throws `forbidden` for a sandbox on the host's own stack. */
function departureOf(network: NetworkRecord, sandbox: SandboxRecord, endpoint: EndpointRecord): DepartureRecord {
  const { namespace } = sandbox;
  if (namespace === "host") {
    throw new PortolanError("forbidden", `a sandbox on the host's own stack cannot join network "${network.name}"`, {
      object: `sandbox "${sandbox.name}"`,
      advice: "give the sandbox a namespace of its own",
    });
  }
  return {
    id: endpoint.id,
    endpoint: endpoint.name,
    network: { name: network.name, driver: network.driver, config: network.config },
    sandboxId: sandbox.id,
    namespace,
    interfaceName: endpoint.join?.interfaceName ?? "",
    asked: endpoint.external?.asked ?? {},
    writes: [],
  };
}

/** What is left of a sandbox's former endpoints, and of sandboxes that are gone. */
const left = ({ departures, records }: Context, sandbox: SandboxRecord): readonly DepartureRecord[] =>
  [...departures.values()].filter(
    ({ sandboxId, failure }) =>
      failure !== undefined && (sandboxId === sandbox.id || !records.sandboxes.has(sandboxId)),
  );

/** Takes away what is left; throws why it cannot be. */
async function takeAway(context: Context, departure: DepartureRecord): Promise<void> {
  await context.locks.aside(() => makerOf(context, departure.network).takeAway(departure));
  await forget(context, departure);
}

async function retry(context: Context, departure: DepartureRecord): Promise<void> {
  const failure = await attempt(context, departure);
  if (failure === undefined) await forget(context, departure);
}

/** Takes away, beside the locks that its caller holds; why that failed. */
async function attempt(
  context: Context,
  departure: DepartureRecord,
  beside = (work: () => Promise<void>): Promise<void> => context.locks.aside(work),
): Promise<unknown> {
  try {
    const maker = makerOf(context, departure.network);
    await beside(() => maker.takeAway(departure));
    return undefined;
  } catch (error) {
    return error;
  }
}

async function forget(context: Context, departure: DepartureRecord): Promise<void> {
  context.departures.delete(departure.id);
  context.deferred.push(remove(departure));
  await flushDeferred(context);
}

async function fail(context: Context, departure: DepartureRecord, failure: unknown): Promise<void> {
  context.deferred.push(put(note(context, departure, failure)));
  await flushDeferred(context);
}

/** Remembers and tells why something could not be taken away. */
function note(context: Context, departure: DepartureRecord, failure: unknown): DepartureRecord {
  const words = isPortolanError(failure) && failure.reason !== undefined ? `: ${failure.reason}` : "";
  const reason = `${failure instanceof Error ? failure.message : String(failure)}${words}`;
  const noted = { ...departure, writes: [], failure: reason };
  context.departures.set(departure.id, noted);
  const { network, interfaceName, sandboxId } = departure;
  context.events.emit({
    time: context.now(),
    type: "endpoint",
    action: "lose",
    id: departure.id,
    name: departure.endpoint,
    attributes: { network: network.name, sandbox: sandboxId, interface: interfaceName, reason },
  });
  return noted;
}
