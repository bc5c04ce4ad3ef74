/**
 * A topology: networks, the sandboxes in them, the processes that run inside, and who is expected to reach whom. This is the parsed
 * form of a topology file (read-topology.ts); everything that a file may leave out is filled in.
 */
import type { InterfaceAddress, Subnet } from "../address/cidr.ts";
import type { IpAddress } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { StaticRoute } from "../address/static-route.ts";
import type { SandboxSpec } from "../model/types.ts";

export interface Topology {
  readonly name: string;
  /** Absolute path of the file it was read from. */
  readonly file: string;
  readonly networks: readonly TopologyNetwork[];
  readonly sandboxes: readonly TopologySandbox[];
  readonly expectations: readonly Expectation[];
}

export interface TopologyNetwork {
  readonly name: string;
  readonly driver: string;
  /** At most one of each family; a family without one has its subnet chosen by IPAM. */
  readonly subnets: readonly Subnet[];
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly internal: boolean;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface TopologySandbox {
  readonly name: string;
  readonly hostname?: string;
  /** How it resolves names, as it is written. */
  readonly naming: Pick<
    SandboxSpec,
    "domainname" | "nameservers" | "searchDomains" | "resolverOptions" | "extraHosts" | "links"
  >;
  readonly labels: Readonly<Record<string, string>>;
  /** In the order of the file, which is the order of its interfaces. */
  readonly attachments: readonly Attachment[];
  readonly processes: readonly ProcessSpec[];
  /** TCP ports that its processes listen on, by which others are to reach it. */
  readonly listen: readonly number[];
}

/** A sandbox's place in a network. */
export interface Attachment {
  readonly network: string;
  readonly ipv4?: IpAddress;
  readonly ipv6?: IpAddress;
  readonly mac?: MacAddress;
  readonly interfaceName?: string;
  /** Addresses of the link alone. */
  readonly linkLocal: readonly InterfaceAddress[];
  readonly routes: readonly StaticRoute[];
  readonly aliases: readonly string[];
  /** Ports of the host that lead to it, as they are written. */
  readonly publish: readonly string[];
  /** Higher wins the default route. */
  readonly priority: number;
  /** The driver's, by libnetwork's keys. */
  readonly options: Readonly<Record<string, string>>;
}

/** A process to run inside a sandbox. */
export interface ProcessSpec {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Added to the environment of whoever brings the topology up. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string;
}

/** Whether one sandbox is to reach another: on every port it listens on and by every family they both have, or not at all. */
export interface Expectation {
  readonly from: string;
  readonly to: string;
  readonly reachable: boolean;
}
