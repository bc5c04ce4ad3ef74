/** The documents in the store. A change of their form needs a migration (migrations.ts). */

import type { InterfaceAddress, Subnet } from "../address/cidr.ts";
import type { ExposedPort } from "../address/exposed-port.ts";
import type { ExtraHost } from "../address/host-name.ts";
import type { Family, IpAddress } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { OpenedPort, PublishedPort } from "../address/port.ts";
import type { StaticRoute } from "../address/static-route.ts";
import type { Json } from "../json.ts";
import type { KernelObject } from "../state/objects.ts";
import type { AttachmentRecord } from "./attachment.ts";

export interface NetworkRecord {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly created: string;
  readonly scope: "local" | "global";
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ingress: boolean;
  readonly configOnly: boolean;
  /** Name of the configuration-only network that the settings came from. */
  readonly configFrom?: string;
  readonly enableIpv4: boolean;
  readonly enableIpv6: boolean;
  readonly ipam: {
    readonly driver: string;
    readonly options: Readonly<Record<string, string>>;
    readonly pools: readonly NetworkPool[];
  };
  /** Driver options as the user gave them. */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** What the driver made of the options; the driver's own form. */
  readonly config: Json;
}

export interface NetworkPool {
  readonly poolId: string;
  readonly subnet: Subnet;
  readonly ipRange?: Subnet;
  readonly gateway?: InterfaceAddress;
  readonly auxAddresses: Readonly<Record<string, IpAddress>>;
  /** The user asked for this very subnet: only then may endpoints ask for addresses. */
  readonly chosenByUser: boolean;
}

export interface EndpointRecord {
  readonly id: string;
  readonly name: string;
  readonly networkId: string;
  readonly created: string;
  readonly mac?: MacAddress;
  readonly ipv4?: InterfaceAddress;
  readonly ipv6?: InterfaceAddress;
  /** Further addresses of the link alone (169.254.0.0/16, fe80::/64), of the user's choice; absent where there are none. */
  readonly linkLocal?: readonly InterfaceAddress[];
  readonly aliases: readonly string[];
  /** What is to be published, as it was asked for (address/port.ts); absent where nothing is. */
  readonly publish?: readonly string[];
  /** Ports of the host that lead to it while it is in a sandbox; absent where there are none. */
  readonly ports?: readonly PublishedPort[];
  /** Ports that are open at its own addresses while it is in a sandbox, in families that are routed; absent where there are none. */
  readonly opened?: readonly OpenedPort[];
  /** Ports that it is said to listen on; absent where nothing was said. */
  readonly exposed?: readonly ExposedPort[];
  /** Nameservers that its network's names outside are asked from, in this order; absent: the sandbox's. */
  readonly nameservers?: readonly IpAddress[];
  /** Sysctls of its interface by dotted name, in which IFNAME stands for the interface; absent where there are none. */
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** What CNI plugins made of it; absent where none was called. */
  readonly attachment?: AttachmentRecord;
  /** Present where somebody outside of the engine makes it. */
  readonly external?: ExternalRecord;
  /** Present while the endpoint is in a sandbox. */
  readonly join?: {
    readonly sandboxId: string;
    readonly interfaceName: string;
    /** Higher wins the default route; ties go by network name. */
    readonly gatewayPriority: number;
    /** Absent where there are none. */
    readonly routes?: readonly StaticRoute[];
  };
}

/** An endpoint that somebody outside of the engine makes. */
export interface ExternalRecord {
  /** What is asked for it, by capability. */
  readonly asked: Readonly<Record<string, Json>>;
  /** Default routes that came with it, with their gateways, while it is in a sandbox; absent where none did. */
  readonly defaults?: readonly { readonly family: Family; readonly gateway?: IpAddress }[];
}

/** How a sandbox resolves names, as far as it was told. */
export interface SandboxNaming {
  readonly domainname?: string;
  readonly nameservers: readonly IpAddress[];
  readonly searchDomains: readonly string[];
  /** Of resolv.conf(5). */
  readonly resolverOptions: readonly string[];
  readonly extraHosts: readonly ExtraHost[];
  /** Names that it alone knows, each for another one. */
  readonly links: Readonly<Record<string, string>>;
}

export interface SandboxRecord {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  /** Path of the namespace file, or `"host"` for the host's own stack. */
  readonly namespace: `/${string}` | "host";
  /** Whether the engine made the namespace, and so removes it. */
  readonly owned: boolean;
  /** Boot id of the machine when the namespace was made (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  readonly hostname?: string;
  /** How it resolves names; absent: as every other one. */
  readonly naming?: SandboxNaming;
  /** It was made for a CNI runtime's container, goes with its last endpoint, and has no files: these are the runtime's. */
  readonly attached?: true;
  readonly labels: Readonly<Record<string, string>>;
}

/** A pool given out by an IPAM driver. */
export interface PoolRecord {
  readonly id: string;
  readonly driver: string;
  readonly addressSpace: string;
  readonly subnet: Subnet;
  readonly ipRange?: Subnet;
}

/** An address given out of a pool. */
export interface AddressRecord {
  /** `POOLID ADDRESS`. */
  readonly id: string;
  readonly poolId: string;
  readonly address: IpAddress;
}

/**
 * What an operation under way is about to do to the kernel: written before, removed with the operation's result. Found at start, the
 * operation died half-way, and the objects that it alone wanted are taken away (`undo`) or its deletions are finished (`redo`).
 */
export interface IntentRecord {
  readonly id: string;
  readonly operation: string;
  readonly direction: "undo" | "redo";
  /** Objects that must be gone when the intent is resolved. */
  readonly objects: readonly KernelObject[];
  /** What the operation has to write where it must survive a power failure: after one it is done, since nothing is left of the kernel's part either way. */
  readonly writes?: readonly StoreChange[];
}

/** Value of a host sysctl before the engine first changed it. */
export interface OriginalRecord {
  /** Slashed sysctl name. */
  readonly id: string;
  readonly value: string;
}

/** Addresses that CNI's address management has given to an attachment. */
export interface ReservationRecord {
  /** `POOL CONTAINERID INTERFACE`. */
  readonly id: string;
  /** Which addresses exclude each other: the network's name, in its directory where one is named. */
  readonly pool: string;
  readonly containerId: string;
  readonly interfaceName: string;
  readonly created: string;
  /** One of each set of ranges, in their order. */
  readonly addresses: readonly IpAddress[];
}

/**
 * An endpoint that somebody outside of the engine was asked to make, or to take away, and that is not known to be gone: written before the asking. Found at start, it is taken
 * away once more.
 */
export interface DepartureRecord {
  /** The endpoint's. */
  readonly id: string;
  readonly endpoint: string;
  /** The network's name, driver and configuration: the network itself may be gone. */
  readonly network: { readonly name: string; readonly driver: string; readonly config: Json };
  readonly sandboxId: string;
  readonly namespace: `/${string}`;
  readonly interfaceName: string;
  readonly asked: Readonly<Record<string, Json>>;
  /** What is still to be written with it: of an endpoint that was leaving when it was killed. */
  readonly writes: readonly StoreChange[];
  /** Why it could not be taken away; absent while that was not tried. */
  readonly failure?: string;
}

/** Settings made once per host: `ula-prefix`, … */
export interface SettingRecord {
  readonly id: string;
  readonly value: string;
}

export interface Collections {
  readonly network: NetworkRecord;
  readonly endpoint: EndpointRecord;
  readonly sandbox: SandboxRecord;
  readonly pool: PoolRecord;
  readonly address: AddressRecord;
  readonly intent: IntentRecord;
  readonly original: OriginalRecord;
  readonly setting: SettingRecord;
  readonly reservation: ReservationRecord;
  readonly departure: DepartureRecord;
}

export type CollectionName = keyof Collections;

/** One write; a commit is a list of them, all or none. */
export type StoreChange = {
  [Name in CollectionName]:
    | { readonly op: "put"; readonly collection: Name; readonly record: Collections[Name] }
    | { readonly op: "delete"; readonly collection: Name; readonly id: string };
}[CollectionName];
