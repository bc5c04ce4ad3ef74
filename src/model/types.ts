/**
 * The Container Network Model as its users see it: what they ask with, what they get back. Text from outside is parsed by the
 * model (names, addresses, subnets, MACs); everything it hands out is parsed already.
 */
import type { InterfaceAddress, Subnet } from "../address/cidr.ts";
import type { ExposedPort } from "../address/exposed-port.ts";
import type { IpAddress } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { OpenedPort, PublishedPort } from "../address/port.ts";
import type { StaticRoute } from "../address/static-route.ts";
import type { FeatureReport } from "../kernel/features.ts";
import type { LinkStatistics } from "../kernel/netlink/route/link-statistics.ts";
import type { QueryRecord, ResolverCounters } from "../naming/resolver.ts";
import type { Plan } from "../state/plan-types.ts";
import type { Attachments } from "./attachment-types.ts";

/** Options of every call that changes something. */
export interface ChangeOptions {
  /** Takes the call back: what was done is undone and `aborted` thrown, unless it is complete already. */
  readonly signal?: AbortSignal;
  /** Called with the plan before it is applied. */
  readonly onPlan?: (plan: Plan) => void;
  /** Go as far as the plan, change nothing. What is returned shows what would be, and does not exist. */
  readonly dryRun?: boolean;
}

export interface IpamPoolSpec {
  readonly subnet?: string;
  readonly ipRange?: string;
  readonly gateway?: string;
  readonly auxAddresses?: Readonly<Record<string, string>>;
}

export interface NetworkSpec {
  readonly name: string;
  /** Default `bridge`. */
  readonly driver?: string;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  /** Default true. */
  readonly enableIpv4?: boolean;
  /** Default false. */
  readonly enableIpv6?: boolean;
  readonly ipam?: {
    /** Default `default`. */
    readonly driver?: string;
    readonly options?: Readonly<Record<string, string>>;
    readonly pools?: readonly IpamPoolSpec[];
  };
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly configOnly?: boolean;
  readonly configFrom?: string;
}

export interface SandboxSpec {
  readonly name: string;
  /** An existing namespace by path. */
  readonly netns?: string;
  /** An existing namespace by process id. */
  readonly pid?: number;
  /** Use the host's own stack. */
  readonly host?: boolean;
  /** Default: its name. */
  readonly hostname?: string;
  readonly domainname?: string;
  /** Asked for names that this engine does not know, in this order; default: the host's. */
  readonly nameservers?: readonly string[];
  /** Default: the host's; `.` for none. */
  readonly searchDomains?: readonly string[];
  /** Options of resolv.conf(5): `timeout:2`. */
  readonly resolverOptions?: readonly string[];
  /** `NAME:ADDRESS`, with `host-gateway` for what it reaches the host by. */
  readonly extraHosts?: readonly string[];
  /** `NAME[:ALIAS]`: names that it alone knows. */
  readonly links?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

export interface EndpointSpec {
  /** Default: a name made of the id. */
  readonly name?: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly mac?: string;
  /** Further addresses of the link alone, of 169.254.0.0/16 and fe80::/64. */
  readonly linkLocal?: readonly string[];
  readonly aliases?: readonly string[];
  /** Ports of the host that lead to it, as `[ADDRESS:]HOST[-HOST]:PORT[-PORT][/tcp|udp|sctp]`. */
  readonly publish?: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface JoinSpec {
  /** Exact interface name inside. */
  readonly interfaceName?: string;
  /** Higher wins the default route; default 0. */
  readonly gatewayPriority?: number;
  /** Routes of the sandbox that go with the endpoint, as `DESTINATION[=GATEWAY]`, the destination in CIDR notation. */
  readonly routes?: readonly string[];
}

/** Filters of a listing: every key must match one of its values, as with docker's `--filter`. */
export type Filters = Readonly<Record<string, readonly string[]>>;

export interface NetworkInfo {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly created: string;
  readonly scope: "local" | "global";
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ingress: boolean;
  readonly configOnly: boolean;
  readonly configFrom?: string;
  readonly enableIpv4: boolean;
  readonly enableIpv6: boolean;
  readonly ipam: {
    readonly driver: string;
    readonly options: Readonly<Record<string, string>>;
    readonly pools: readonly {
      readonly subnet: Subnet;
      readonly ipRange?: Subnet;
      readonly gateway?: IpAddress;
      readonly auxAddresses: Readonly<Record<string, IpAddress>>;
    }[];
  };
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly endpoints: readonly EndpointInfo[];
}

export interface EndpointInfo {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly network: { readonly id: string; readonly name: string; readonly driver: string };
  readonly sandbox?: { readonly id: string; readonly name: string };
  readonly interfaceName?: string;
  readonly gatewayPriority?: number;
  readonly mac?: MacAddress;
  readonly ipv4?: InterfaceAddress;
  readonly ipv6?: InterfaceAddress;
  readonly linkLocal: readonly InterfaceAddress[];
  /** Static routes that go with it. */
  readonly routes: readonly StaticRoute[];
  readonly aliases: readonly string[];
  /** What is published, as it was asked for. */
  readonly publish: readonly string[];
  /** Ports of the host that lead to it while it is in a sandbox. */
  readonly ports: readonly PublishedPort[];
  /** Ports that are open at its own addresses, in families that its network routes. */
  readonly opened: readonly OpenedPort[];
  /** Ports that it is said to listen on. */
  readonly exposed: readonly ExposedPort[];
  /** Nameservers of its own; none: the sandbox's. */
  readonly nameservers: readonly IpAddress[];
  /** Sysctls of its interface by dotted name, in which IFNAME stands for the interface. */
  readonly sysctls: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** What an endpoint has received (rx) and sent (tx) since it joined, as its sandbox sees it. */
export interface EndpointStatistics extends LinkStatistics {
  readonly id: string;
  readonly name: string;
  readonly network: { readonly id: string; readonly name: string };
  readonly sandbox: { readonly id: string; readonly name: string };
  readonly interfaceName: string;
}

/** A published port of an endpoint. */
export interface PortInfo extends PublishedPort {
  readonly endpoint: { readonly id: string; readonly name: string };
  readonly network: { readonly id: string; readonly name: string };
  /** Where it leads; absent while the endpoint is in no sandbox. */
  readonly sandbox?: { readonly id: string; readonly name: string };
  /** Whether the answering process holds it, so that no other one can bind it. */
  readonly held: boolean;
}

export interface SandboxInfo {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  /** Path of the namespace file, or `host`. */
  readonly namespace: string;
  readonly owned: boolean;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly nameservers: readonly IpAddress[];
  readonly searchDomains: readonly string[];
  readonly resolverOptions: readonly string[];
  readonly extraHosts: readonly string[];
  readonly links: readonly string[];
  /** Its files, to be bound over those of its processes; absent for the host's own stack. */
  readonly files?: { readonly hosts: string; readonly resolvConf: string; readonly hostname: string };
  readonly labels: Readonly<Record<string, string>>;
  readonly endpoints: readonly EndpointInfo[];
  /** Ids of the endpoints whose network gives the default route. */
  readonly gateway: { readonly ipv4?: string; readonly ipv6?: string };
}

/** A name that a sandbox resolves by this engine's records. */
export interface NameInfo {
  readonly name: string;
  readonly addresses: readonly IpAddress[];
  /** Absent for what the sandbox alone knows: links and extra hosts. */
  readonly network?: string;
  /** Name of the sandbox it leads to. */
  readonly sandbox?: string;
}

/** What became of a sandbox's questions. */
export interface QueryReport {
  /** Since its resolver began; absent where it has none. */
  readonly counters?: ResolverCounters;
  /** The last ones, oldest first. */
  readonly queries: readonly QueryRecord[];
}

/** Something that happened, told after it is complete. */
export interface ControllerEvent {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly type: "network" | "sandbox" | "endpoint" | "engine";
  readonly action: "create" | "delete" | "connect" | "disconnect" | "reconcile" | "heal" | "lose" | "drop";
  readonly id: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What reconcile found and mended. */
export interface ReconcileReport {
  readonly plan: Plan;
}

/** A problem is a value: one list for `doctor` and the daemon's warnings. */
export interface Problem {
  readonly code: string;
  readonly severity: "info" | "warning" | "error";
  readonly title: string;
  readonly detail: string;
  readonly advice?: string;
}

export interface DoctorReport {
  readonly features: FeatureReport;
  readonly problems: readonly Problem[];
}

export interface Network extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  info(): NetworkInfo;
  createEndpoint(spec?: EndpointSpec, options?: ChangeOptions): Promise<Endpoint>;
  /** Refused with `in-use` while endpoints exist. */
  delete(options?: ChangeOptions): Promise<void>;
}

export interface Endpoint extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  info(): EndpointInfo;
  join(sandbox: Sandbox, spec?: JoinSpec, options?: ChangeOptions): Promise<void>;
  leave(options?: ChangeOptions): Promise<void>;
  /** Throws `not-found` where it has no interface: it is in no sandbox, or its network gives it none. */
  statistics(): Promise<EndpointStatistics>;
  /** Refused with `in-use` while joined. */
  delete(options?: ChangeOptions): Promise<void>;
}

export interface Sandbox extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  info(): SandboxInfo;
  /** The names that it resolves without asking anybody else. */
  names(): readonly NameInfo[];
  /** What became of its last questions, and how many there were. Throws `unavailable` where this process answers none. */
  queries(): Promise<QueryReport>;
  /** Leaves and deletes its endpoints, then goes itself. */
  delete(options?: ChangeOptions): Promise<void>;
}

export interface NetworkController extends AsyncDisposable {
  /** What CNI's plugins work with. */
  readonly attachments: Attachments;
  createNetwork(spec: NetworkSpec, options?: ChangeOptions): Promise<Network>;
  createSandbox(spec: SandboxSpec, options?: ChangeOptions): Promise<Sandbox>;
  /** Creates an endpoint and joins it in one go: one plan, all or nothing. */
  connect(
    network: Network,
    sandbox: Sandbox,
    spec?: EndpointSpec & JoinSpec,
    options?: ChangeOptions,
  ): Promise<Endpoint>;
  /** Leaves and deletes in one go. */
  disconnect(endpoint: Endpoint, options?: ChangeOptions): Promise<void>;

  /** By full id, then name, then unique id prefix; throws `not-found`, `ambiguous`. */
  network(reference: string): Network;
  sandbox(reference: string): Sandbox;
  endpoint(reference: string): Endpoint;
  networks(filters?: Filters): readonly NetworkInfo[];
  sandboxes(filters?: Filters): readonly SandboxInfo[];
  endpoints(filters?: Filters): readonly EndpointInfo[];
  /** Published ports of the endpoints that match. */
  ports(filters?: Filters): Promise<readonly PortInfo[]>;
  /** Of the endpoints that match and have an interface in a sandbox. */
  statistics(filters?: Filters): Promise<readonly EndpointStatistics[]>;
  /** Deletes networks without endpoints; returns what went. */
  pruneNetworks(filters?: Filters, options?: ChangeOptions): Promise<readonly NetworkInfo[]>;

  /** Compares the kernel with what is described and mends the difference. */
  reconcile(options?: ChangeOptions): Promise<ReconcileReport>;
  doctor(): Promise<DoctorReport>;
  /** Events from now on, until the signal aborts or the controller closes. */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<ControllerEvent>;
  /** Resolves when deferred deletions are done. */
  settle(): Promise<void>;
  /** Stops; kernel state stays as it is. */
  close(): Promise<void>;
}
