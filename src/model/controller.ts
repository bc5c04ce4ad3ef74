/** The network controller: the model's front door. */
import type { Driver } from "../drivers/driver.ts";
import type { IpamDriver } from "../ipam/ipam.ts";
import { createKernel } from "../kernel/linux.ts";
import { type Services, ServiceThread } from "../loop/thread.ts";
import { createResolver } from "../naming/create-resolver.ts";
import { type HostConfiguration, readHostConfiguration } from "../naming/host-configuration.ts";
import { createProxy } from "../proxy/create-proxy.ts";
import { createEngine } from "../state/create-engine.ts";
import type { Engine } from "../state/engine.ts";
import { openLocalStore } from "../store/local.ts";
import type { Store } from "../store/store.ts";
import { createAttachments } from "./attachment-service.ts";
import type { Attachments } from "./attachment-types.ts";
import type { Context } from "./context.ts";
import { gatewaysOf } from "./descriptions.ts";
import { examine } from "./doctor.ts";
import type { EndpointMaker } from "./endpoint-maker.ts";
import { connect, createEndpoint, joinEndpoint, leaveEndpoint, present } from "./endpoints.ts";
import { endpointFilters, filtered, networkFilters, sandboxFilters } from "./filters.ts";
import { Healing, type HealingPace, usualPace } from "./healing.ts";
import { publishedPorts } from "./held-ports.ts";
import { networkInfo, recordedEndpointInfo, sandboxInfo } from "./infos.ts";
import { find } from "./lookup.ts";
import { Names } from "./names-service.ts";
import { createNetwork, deleteNetwork, pruneNetworks } from "./networks.ts";
import { parsePublishAddress } from "./parse.ts";
import { ProxyService } from "./proxy-service.ts";
import { createRandom } from "./random.ts";
import { reconcile } from "./reconcile.ts";
import { recover, restoreRecords } from "./recovery.ts";
import { namesSeenBy, queriesOf } from "./resolution.ts";
import { createSandbox, deleteSandbox } from "./sandboxes.ts";
import type { Service } from "./service.ts";
import { addPredefined, createContext } from "./start.ts";
import { endpointStatistics, statistics } from "./statistics.ts";
import { commitAll, flushDeferred } from "./transact.ts";
import type { Endpoint, EndpointInfo, Network, NetworkController, NetworkInfo, Sandbox, SandboxInfo } from "./types.ts";

export interface ControllerOptions {
  /** Directory of the store; absent: kept in memory, gone with the process. Not used where `store` is given. */
  readonly stateDir?: string;
  /** Directory of namespaces; default `/run/portolan`. */
  readonly runDir?: string;
  /** How long to wait for another engine to let the store go, milliseconds; default 0. */
  readonly wait?: number;
  /** When to mend at the start what something else changed in the kernel: `always` (default), or only where an operation was `interrupted` or the machine rebooted. */
  readonly mending?: "always" | "interrupted";
  /** Address of the host for published ports that name none, `127.0.0.1` for instance; absent: all addresses. A network's own default goes first. */
  readonly publishAddress?: string;
  /** Whether the firewall is mended by itself when somebody else changes it; default: with services, where the engine is one on a worker thread. */
  readonly healing?: boolean | HealingPace;
  /** A store of the caller's, closed with the controller. */
  readonly store?: Store;
  /** An engine of the caller's, closed with the controller; default: one on a worker thread. */
  readonly engine?: Engine;
  readonly drivers?: ReadonlyMap<string, Driver>;
  readonly ipamDrivers?: ReadonlyMap<string, IpamDriver>;
  /** Who makes the endpoints of drivers that do not describe them, by driver: `cni`; default: nobody, and such networks cannot be made. */
  readonly makers?: ReadonlyMap<string, EndpointMaker>;
  /** How the host resolves names; default: as its /etc/resolv.conf says. */
  readonly hostConfiguration?: () => HostConfiguration;
  /** Whether this process serves its sandboxes for as long as it lives, as by holding their published ports; default true. False for a single command. */
  readonly services?: boolean;
  /** Who runs these services; default: a thread of their own. */
  readonly thread?: Services;
  /** That many random bytes. */
  readonly random?: (count: number) => Uint8Array;
  /** Nanoseconds since 1970. */
  readonly now?: () => bigint;
}

const startTime = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
/** The system's clock knows milliseconds; what follows on them comes from the monotonic one, so that no two events swap. */
const clock = (): bigint => startTime + process.hrtime.bigint();

/**
 * Opens the store, brings the kernel to what it says, and answers with the controller. Throws `locked` while another engine holds the store, `store` where it
 * cannot be read.
 */
export async function createController(options: ControllerOptions = {}): Promise<NetworkController> {
  const {
    stateDir,
    wait,
    runDir = "/run/portolan",
    random = createRandom(),
    now = clock,
    drivers,
    ipamDrivers,
    makers,
    services = true,
    hostConfiguration = readHostConfiguration,
  } = options;
  const publishAddress = parsePublishAddress(options.publishAddress ?? "0.0.0.0");
  const store = options.store ?? (await openLocalStore({ stateDir, ...(wait !== undefined && { wait }) }));
  const engine = options.engine ?? createEngine(createKernel());
  let names: Names | undefined;
  try {
    const state = await store.load();
    const context = createContext(
      {
        store,
        engine,
        runDir,
        random,
        now,
        publishAddress,
        services,
        hostConfiguration,
        ...(drivers && { drivers }),
        ...(ipamDrivers && { ipamDrivers }),
        ...(makers && { makers }),
      },
      state,
    );
    const { thread = new ServiceThread() } = options;
    if (services) names = new Names(context, createResolver(thread));
    context.names = names;
    let failure: unknown;
    try {
      const restored = await restoreRecords(context, state);
      // Names need the records alone: they answer while it is still looked at what the kernel has.
      names?.start();
      await recover(context, restored, options.mending ?? "always");
    } catch (error) {
      // An engine that does not start could not be asked to remove what is in the way.
      failure = error;
    }
    await addPredefined(context);
    // One commit for the whole start: it took place, or it did not. After a power failure it would take place again.
    if (context.deferred.length > 0) await commitAll(context, []);
    await names?.started();
    const alone = services && options.engine === undefined;
    const { healing: pace = alone } = options;
    const healing = pace === false ? undefined : new Healing(context, pace === true ? usualPace : pace);
    await healing?.start();
    const proxying = alone ? new ProxyService(context, createProxy(thread), state.setting) : undefined;
    await proxying?.start();
    return new Controller(context, failure, healing, proxying);
  } catch (error) {
    await names?.close();
    await engine.close();
    await store.close();
    throw error;
  }
}

class Controller implements NetworkController {
  readonly attachments: Attachments;
  readonly #context: Context;
  readonly #healing: Healing | undefined;
  readonly #services: readonly Service[];
  #startFailure: unknown;
  #closing: Promise<void> | undefined;

  constructor(
    context: Context,
    startFailure: unknown,
    healing: Healing | undefined,
    proxying: ProxyService | undefined,
  ) {
    this.#context = context;
    this.#startFailure = startFailure;
    this.#healing = healing;
    this.attachments = createAttachments(context, (operation) => this.#carryOut(operation));
    this.#services = [healing, proxying].filter((one) => one !== undefined);
  }

  async createNetwork(...[spec, options = {}]: Parameters<NetworkController["createNetwork"]>): Promise<Network> {
    const { id, info } = await this.#carryOut(() => createNetwork(this.#context, spec, options));
    return this.#network(id, info.name, options.dryRun ? info : undefined);
  }

  async createSandbox(...[spec, options = {}]: Parameters<NetworkController["createSandbox"]>): Promise<Sandbox> {
    const { id, info } = await createSandbox(this.#context, spec, options);
    return this.#sandbox(id, info.name, options.dryRun ? info : undefined);
  }

  async connect(
    ...[network, sandbox, spec = {}, options = {}]: Parameters<NetworkController["connect"]>
  ): Promise<Endpoint> {
    const { id, info } = await this.#carryOut(() => connect(this.#context, network.id, sandbox.id, spec, options));
    return this.#endpoint(id, info.name, options.dryRun ? info : undefined);
  }

  async disconnect(...[endpoint, options = {}]: Parameters<NetworkController["disconnect"]>): Promise<void> {
    await leaveEndpoint(this.#context, endpoint.id, "remove", options);
  }

  network(reference: string): Network {
    const { networks } = this.#context.records;
    const { id, name } = find("network", reference, networks, (text) => this.#context.records.networkNamed(text));
    return this.#network(id, name);
  }

  sandbox(reference: string): Sandbox {
    const { sandboxes } = this.#context.records;
    const { id, name } = find("sandbox", reference, sandboxes, (text) => this.#context.records.sandboxNamed(text));
    return this.#sandbox(id, name);
  }

  endpoint(reference: string): Endpoint {
    const { endpoints } = this.#context.records;
    const named = (text: string) => [...endpoints.values()].filter((one) => one.name === text);
    const { id, name } = find("endpoint", reference, endpoints, named);
    return this.#endpoint(id, name);
  }

  networks(filters = {}): readonly NetworkInfo[] {
    const { records } = this.#context;
    const infos = [...records.networks.values()].map((record) => networkInfo(records, record));
    return filtered(infos, filters, networkFilters);
  }

  sandboxes(filters = {}): readonly SandboxInfo[] {
    const { records } = this.#context;
    const infos = [...records.sandboxes.values()].map((one) =>
      sandboxInfo(this.#context, one, gatewaysOf(this.#context, one)),
    );
    return filtered(infos, filters, sandboxFilters);
  }

  endpoints(filters = {}): readonly EndpointInfo[] {
    const { records } = this.#context;
    const infos = [...records.endpoints.values()].map((record) => recordedEndpointInfo(records, record));
    return filtered(infos, filters, endpointFilters);
  }

  ports(filters = {}) {
    return publishedPorts(this.#context, filters);
  }

  statistics(filters = {}) {
    return statistics(this.#context, filters);
  }

  pruneNetworks(...[filters = {}, options = {}]: Parameters<NetworkController["pruneNetworks"]>) {
    return pruneNetworks(this.#context, filters, options);
  }

  async reconcile(...[options = {}]: Parameters<NetworkController["reconcile"]>) {
    const report = await reconcile(this.#context, options);
    if (options.dryRun !== true) this.#startFailure = undefined;
    return report;
  }

  doctor() {
    const own = this.#services.flatMap((service) => service.problems());
    return this.#context.locks.holdAll(() => examine(this.#context, this.#startFailure, own));
  }

  events(...[options = {}]: Parameters<NetworkController["events"]>) {
    return this.#context.events.listen(options.signal, this.#context.now);
  }

  async settle(): Promise<void> {
    await this.#context.engine.settle();
    await this.#context.names?.settle();
    await flushDeferred(this.#context);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { events, engine, names, store } = this.#context;
    for (const service of this.#services.toReversed()) await service.close();
    events.close();
    await names?.close();
    await engine.close();
    await flushDeferred(this.#context);
    await store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** An operation that adds to the firewall. */
  #carryOut<Result>(operation: () => Promise<Result>): Promise<Result> {
    return this.#healing === undefined ? operation() : this.#healing.carryOut(operation);
  }

  #network(id: string, name: string, preview?: NetworkInfo): Network {
    const context = this.#context;
    const remove = (options = {}) => deleteNetwork(context, id, options);
    return {
      id,
      name,
      info: () => preview ?? networkInfo(context.records, present("network", id, context.records.networks)),
      createEndpoint: async (spec = {}, options = {}) => {
        const made = await createEndpoint(context, id, spec, options);
        return this.#endpoint(made.id, made.info.name, options.dryRun ? made.info : undefined);
      },
      delete: remove,
      [Symbol.asyncDispose]: remove,
    };
  }

  #endpoint(id: string, name: string, preview?: EndpointInfo): Endpoint {
    const context = this.#context;
    return {
      id,
      name,
      info: () => preview ?? recordedEndpointInfo(context.records, present("endpoint", id, context.records.endpoints)),
      join: (sandbox, spec = {}, options = {}) =>
        this.#carryOut(() => joinEndpoint(context, id, sandbox.id, spec, options)),
      leave: (options = {}) => leaveEndpoint(context, id, "keep", options),
      statistics: async () => endpointStatistics(context, present("endpoint", id, context.records.endpoints)),
      delete: (options = {}) => leaveEndpoint(context, id, "remove-unjoined", options),
      [Symbol.asyncDispose]: () => leaveEndpoint(context, id, "remove", {}),
    };
  }

  #sandbox(id: string, name: string, preview?: SandboxInfo): Sandbox {
    const context = this.#context;
    const remove = (options = {}) => deleteSandbox(context, id, options);
    const info = (): SandboxInfo => {
      const record = present("sandbox", id, context.records.sandboxes);
      return sandboxInfo(context, record, gatewaysOf(context, record));
    };
    return {
      id,
      name,
      info: () => preview ?? info(),
      names: () => namesSeenBy(context, present("sandbox", id, context.records.sandboxes)),
      queries: () => queriesOf(context, present("sandbox", id, context.records.sandboxes)),
      delete: remove,
      [Symbol.asyncDispose]: remove,
    };
  }
}
