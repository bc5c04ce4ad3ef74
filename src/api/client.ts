/** The API's client: of a daemon by its socket, or of an engine in this process; to the caller the same. */
import type {
  ControllerEvent,
  DoctorReport,
  EndpointInfo,
  EndpointSpec,
  EndpointStatistics,
  Filters,
  JoinSpec,
  NameInfo,
  NetworkInfo,
  NetworkSpec,
  PortInfo,
  QueryReport,
  SandboxInfo,
  SandboxSpec,
} from "../model/types.ts";
import type { ClientOptions, Transport } from "./transport.ts";

export type { ClientOptions } from "./transport.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Change nothing; what is returned shows what would be. */
  readonly dryRun?: boolean;
  /** Called with the commands that do the same as the change. */
  readonly explain?: (commands: readonly string[]) => void;
}

/** Who answers. */
export interface EngineInfo {
  readonly version: string;
  readonly pid: number;
  readonly stateDir: string;
  readonly runDir: string;
  /** Address of the host for published ports that name none; absent: all of them. */
  readonly publishAddress?: string;
}

/** Every method throws PortolanError: the engine's own, or `unavailable`. */
export interface Client extends AsyncDisposable {
  /** Whether a daemon answers; false: the engine runs in this process. */
  readonly daemon: boolean;
  info(): Promise<EngineInfo>;
  networks(filters?: Filters): Promise<readonly NetworkInfo[]>;
  network(reference: string): Promise<NetworkInfo>;
  createNetwork(spec: NetworkSpec, options?: CallOptions): Promise<NetworkInfo>;
  deleteNetwork(reference: string, options?: CallOptions): Promise<void>;
  /** Deletes networks without endpoints; those that went. */
  pruneNetworks(filters?: Filters, options?: CallOptions): Promise<readonly NetworkInfo[]>;
  sandboxes(filters?: Filters): Promise<readonly SandboxInfo[]>;
  sandbox(reference: string): Promise<SandboxInfo>;
  createSandbox(spec: SandboxSpec, options?: CallOptions): Promise<SandboxInfo>;
  /** The names that a sandbox resolves by the engine's records. */
  namesOf(sandbox: string): Promise<readonly NameInfo[]>;
  /** What became of a sandbox's last questions; throws `unavailable` without a daemon. */
  queriesOf(sandbox: string): Promise<QueryReport>;
  deleteSandbox(reference: string, options?: CallOptions): Promise<void>;
  endpoints(filters?: Filters): Promise<readonly EndpointInfo[]>;
  endpoint(reference: string): Promise<EndpointInfo>;
  /** Published ports of the endpoints that match, and whether the answering process holds each. */
  ports(filters?: Filters): Promise<readonly PortInfo[]>;
  /** What endpoints that match and have an interface have received and sent. */
  statistics(filters?: Filters): Promise<readonly EndpointStatistics[]>;
  /** The same of one; throws `not-found` where it has no interface. */
  endpointStatistics(reference: string): Promise<EndpointStatistics>;
  /** Creates an endpoint and joins it in one step. */
  connect(
    network: string,
    sandbox: string,
    spec?: EndpointSpec & JoinSpec,
    options?: CallOptions,
  ): Promise<EndpointInfo>;
  /** Takes an endpoint out of its sandbox and deletes it. */
  disconnect(endpoint: string, options?: CallOptions): Promise<void>;
  /** Compares the kernel with what is described and mends it; how many changes that took. */
  reconcile(options?: CallOptions): Promise<{ readonly changes: number }>;
  doctor(): Promise<DoctorReport>;
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<ControllerEvent>;
}

/** The daemon's client where one listens, else an engine of this process's own. Throws what opening the engine throws. */
export async function openClient(options: ClientOptions): Promise<Client> {
  const { listens, openSocket } = await import("./socket-transport.ts");
  if (await listens(options.socket)) return createClient(openSocket(options.socket), true);
  const { openInProcess } = await import("./in-process-transport.ts");
  return createClient(await openInProcess(options), false);
}

/** A daemon's client; throws `unavailable` where none listens. */
export async function connectClient(socket: string): Promise<Client> {
  const { checkListening, openSocket } = await import("./socket-transport.ts");
  await checkListening(socket);
  return createClient(openSocket(socket), true);
}

const query = (filters: Filters): string =>
  Object.keys(filters).length === 0 ? "" : `filters=${encodeURIComponent(JSON.stringify(filters))}`;

const at = (collection: string, reference: string, action = ""): string =>
  `/${collection}/${encodeURIComponent(reference)}${action}`;

function createClient(transport: Transport, daemon: boolean): Client {
  // What an engine of this version answers has the form of its types.
  const get = async <Result>(path: string, filters: Filters = {}): Promise<Result> =>
    (await transport.request({ method: "GET", path: `${path}?${query(filters)}` })) as Result;

  async function change<Result>(
    method: "POST" | "DELETE",
    path: string,
    { signal, dryRun, explain }: CallOptions = {},
    body?: object,
    filters: Filters = {},
  ): Promise<Result> {
    const flags = [...(dryRun ? ["dryRun=true"] : []), ...(explain ? ["explain=true"] : []), query(filters)];
    const request = { method, path: `${path}?${flags.filter(Boolean).join("&")}`, ...(body && { body }) };
    const answer = await transport.request({ ...request, ...(signal && { signal }) });
    if (explain === undefined) return answer as Result; // as above
    const { result, commands } = answer as { result: Result; commands: readonly string[] }; // as above
    explain(commands);
    return result;
  }

  return {
    daemon,
    info: () => get("/info"),
    networks: (filters) => get("/networks", filters),
    network: (reference) => get(at("networks", reference)),
    createNetwork: (spec, options) => change("POST", "/networks", options, spec),
    deleteNetwork: (reference, options) => change("DELETE", at("networks", reference), options),
    pruneNetworks: (filters, options) => change("POST", "/networks/prune", options, undefined, filters),
    sandboxes: (filters) => get("/sandboxes", filters),
    sandbox: (reference) => get(at("sandboxes", reference)),
    createSandbox: (spec, options) => change("POST", "/sandboxes", options, spec),
    namesOf: (reference) => get(at("sandboxes", reference, "/names")),
    queriesOf: async (reference) => {
      const report = await get<QueryReport>(at("sandboxes", reference, "/queries"));
      return { ...report, queries: report.queries.map((query) => ({ ...query, time: BigInt(query.time) })) };
    },
    deleteSandbox: (reference, options) => change("DELETE", at("sandboxes", reference), options),
    endpoints: (filters) => get("/endpoints", filters),
    endpoint: (reference) => get(at("endpoints", reference)),
    ports: (filters) => get("/ports", filters),
    statistics: (filters) => get("/statistics", filters),
    endpointStatistics: (reference) => get(at("endpoints", reference, "/statistics")),
    connect: (network, sandbox, spec, options) =>
      change("POST", at("networks", network, "/endpoints"), options, { ...spec, sandbox }),
    disconnect: (endpoint, options) => change("DELETE", at("endpoints", endpoint), options),
    reconcile: (options) => change("POST", "/reconcile", options),
    doctor: () => get("/doctor"),
    events: ({ signal } = {}) => events(transport.lines("/events", signal)),
    [Symbol.asyncDispose]: () => transport.close(),
  };
}

async function* events(lines: AsyncIterable<string>): AsyncGenerator<ControllerEvent> {
  for await (const line of lines) {
    if (line === "") continue;
    const event = JSON.parse(line);
    yield { ...event, time: BigInt(event.time) };
  }
}
