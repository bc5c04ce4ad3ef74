/**
 * What the resolver is to the model: it is told what is there, object by object, each time as a whole, and answers in every sandbox at 127.0.0.11. Setting the
 * same again costs nothing.
 */
import type { IpAddress } from "../address/ip.ts";
import type { NamespaceRef } from "../kernel/kernel.ts";

/** An endpoint as names lead to it: it answers to them in its own network. */
export interface NamedEndpoint {
  readonly id: string;
  readonly networkId: string;
  /** Completes its names: `web.front`. */
  readonly networkName: string;
  /** The first one is the answer to reverse look-ups; several endpoints of a network may share a name, which then has all their addresses. */
  readonly names: readonly string[];
  readonly addresses: readonly IpAddress[];
}

/** A nameserver, and the namespace it is asked from: loopback addresses of the host's only answer there. */
export interface Nameserver {
  readonly address: IpAddress;
  /** Default 53. */
  readonly port?: number;
  readonly from: "host" | "sandbox";
}

/** A sandbox as its resolver serves it. */
export interface NamedSandbox {
  readonly id: string;
  readonly namespace: NamespaceRef;
  /** Ids of the networks whose names it sees, in the order in which they are asked. */
  readonly networks: readonly string[];
  /** Names that only this sandbox knows, each for another name: docker's links. */
  readonly links: Readonly<Record<string, string>>;
  /** Names with addresses that only this sandbox knows. */
  readonly extraHosts: Readonly<Record<string, readonly IpAddress[]>>;
  /** Asked in this order for every name that is not known here; none where all its networks are internal. */
  readonly nameservers: readonly Nameserver[];
  /** Port of 127.0.0.11 that it has to itself; default: it is asked at port 53, which others in the sandbox can listen at nevertheless. */
  readonly port?: number;
  /** Whether what leads port 53 to the resolver stays in the namespace when the process is killed, for the next one to take over; default: it goes with the process. */
  readonly lasting?: boolean;
  /** Explicit `ndots` of its resolv.conf: above 0 single-label names are not forwarded. */
  readonly ndots?: number;
}

/** What became of a query, for whoever asks why a name does not resolve. */
export interface QueryRecord {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly sandboxId: string;
  readonly transport: "udp" | "tcp";
  readonly name: string;
  /** `A`, `AAAA`, `PTR`, … */
  readonly type: string;
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, … */
  readonly code: string;
  /** Who knew it: this engine's records, or the nameserver that answered. */
  readonly from: "records" | IpAddress | "nobody";
  /** In words where it did not resolve: which nameservers were asked, and what each said. */
  readonly reason?: string;
}

/** Counters of a sandbox since its resolver began. */
export interface ResolverCounters {
  readonly queries: number;
  /** Answered from the records. */
  readonly known: number;
  readonly forwarded: number;
  /** Forwarded ones that no nameserver answered. */
  readonly failed: number;
  /** Packets that are no query. */
  readonly malformed: number;
  /** Refused because too many were under way. */
  readonly refused: number;
}

export interface Resolver {
  setEndpoint(endpoint: NamedEndpoint): void;
  removeEndpoint(id: string): void;
  /** Serves a sandbox from now on; rejects with PortolanError where its namespace is gone or 127.0.0.11:53 is somebody else's. */
  setSandbox(sandbox: NamedSandbox): Promise<void>;
  /** Lets go of a sandbox and of its namespace. */
  removeSandbox(id: string): Promise<void>;
  counters(sandboxId: string): Promise<ResolverCounters>;
  /** The last queries of a sandbox, oldest first; at most some hundred are kept. */
  queries(sandboxId: string): Promise<readonly QueryRecord[]>;
  close(): Promise<void>;
}
