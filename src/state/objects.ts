/**
 * Kernel objects: plain readonly data, each one thing the engine wants to exist. A driver describes them, the engine makes
 * them so, observe reads them back as the same types, render prints them. Optional fields that are absent mean "as the
 * kernel chooses", and diff does not compare them.
 */
import type { InterfaceAddress, Subnet } from "../address/cidr.ts";
import type { Family, IpAddress } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { NamespaceRef, PortClaim } from "../kernel/kernel.ts";
import type { IpvlanFlag, IpvlanMode, MacvlanMode } from "../kernel/netlink/route/link.ts";
import type { NftChain, NftElement, NftRule, NftSet, NftTable } from "./nft-objects.ts";

export type { NamespaceRef } from "../kernel/kernel.ts";
export type { IpvlanFlag, IpvlanMode, MacvlanMode } from "../kernel/netlink/route/link.ts";
export type * from "./nft-objects.ts";

/** A network namespace bound to a path; its loopback link is up. */
export interface Namespace {
  readonly kind: "namespace";
  readonly path: `/${string}`;
}

interface LinkBase {
  readonly kind: "link";
  readonly namespace: NamespaceRef;
  /** At most 15 bytes. */
  readonly name: string;
  readonly mac?: MacAddress;
  readonly mtu?: number;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** Name of the bridge or VRF that this link is a port of. */
  readonly master?: string;
  /** How the kernel makes the IPv6 link-local address (IFLA_INET6_ADDR_GEN_MODE). */
  readonly addressGeneration?: "eui64" | "none";
}

export interface BridgeLink extends LinkBase {
  readonly type: "bridge";
  /** Spanning tree protocol (IFLA_BR_STP_STATE). */
  readonly spanningTree?: boolean;
  readonly vlanFiltering?: boolean;
  /** VLAN that a new port is a member of, untagged, and that its untagged frames belong to; 0 for none (IFLA_BR_VLAN_DEFAULT_PVID). */
  readonly defaultVlan?: number;
  /** Whether the IP firewall sees what passes between ports, also where the host's sysctl says no (IFLA_BR_NF_CALL_IPTABLES and …IP6TABLES). */
  readonly ipFiltering?: boolean;
}

/** Both ends of a veth pair: this end, and the peer in its own namespace. */
export interface VethLink extends LinkBase {
  readonly type: "veth";
  readonly peer: {
    readonly namespace: NamespaceRef;
    readonly name: string;
    readonly mac?: MacAddress;
    readonly mtu?: number;
    /** Absent: it is down when it is made, and whoever lives there sets it up. */
    readonly up?: boolean;
    readonly addressGeneration?: "eui64" | "none";
  };
  readonly port?: BridgePort;
}

/** Settings of a bridge's port (IFLA_BRPORT_*). */
export interface BridgePort {
  readonly hairpin?: boolean;
  readonly isolated?: boolean;
}

/** A link with a MAC address of its own on a link of the host, in whichever namespace it lives, or of its own namespace. */
export interface MacvlanLink extends LinkBase {
  readonly type: "macvlan";
  /** Name of the link that it stands on. */
  readonly parent: string;
  /** That one is in the same namespace, which is not the host; absent: in the host. */
  readonly parentInside?: true;
  readonly mode: MacvlanMode;
}

/** A link with addresses of its own, and the MAC address of the link that it stands on. */
export interface IpvlanLink extends LinkBase {
  readonly type: "ipvlan";
  /** Name of the link that it stands on. */
  readonly parent: string;
  /** That one is in the same namespace, which is not the host; absent: in the host. */
  readonly parentInside?: true;
  readonly mode: IpvlanMode;
  readonly flag: IpvlanFlag;
}

/** What has one VLAN's tag on a link of the same namespace, or of the host. */
export interface VlanLink extends LinkBase {
  readonly type: "vlan";
  /** Name of the link that it stands on. */
  readonly parent: string;
  /** Where that one is; absent: in the same namespace. */
  readonly parentNamespace?: "host";
  /** VLAN identifier, 1 to 4094. */
  readonly id: number;
}

/** A routing domain: what comes in by its ports, and what is sent by it, follows the routes of its table. */
export interface VrfLink extends LinkBase {
  readonly type: "vrf";
  /** Routing table number. */
  readonly table: number;
}

/** A link that leads nowhere, for addresses that are nobody else's. */
export interface DummyLink extends LinkBase {
  readonly type: "dummy";
}

/** A link; further types join the union, each with its codec in kernel/netlink/route/link-kinds. */
export type Link = BridgeLink | VethLink | MacvlanLink | IpvlanLink | VlanLink | VrfLink | DummyLink;

/**
 * A link of the host, somebody else's, that lives in a namespace. It comes back to the host under its name with the MTU, the state and the alias that it had. Its
 * addresses and routes of before the kernel drops. The kernel brings hardware back by itself when its namespace goes, and removes virtual links.
 */
export interface MovedLink {
  readonly kind: "moved-link";
  /** Its name on the host. */
  readonly name: string;
  /** Where it lives. */
  readonly namespace: NamespaceRef;
  /** Its name there. */
  readonly newName: string;
  readonly mtu?: number;
  /** Administratively up, there. */
  readonly up: boolean;
}

/** An address on a link (struct ifaddrmsg). */
export interface Address {
  readonly kind: "address";
  readonly namespace: NamespaceRef;
  readonly link: string;
  readonly address: InterfaceAddress;
  /** Skip duplicate address detection (IFA_F_NODAD); IPv6 only. */
  readonly noDuplicateDetection?: boolean;
  /** No route to its subnet comes with it (IFA_F_NOPREFIXROUTE). */
  readonly noPrefixRoute?: true;
  /** How often the link is told of the address when it is made, and how long from one time to the next, milliseconds; absent: never. */
  readonly announce?: { readonly messages: number; readonly interval: number };
}

export interface Route {
  readonly kind: "route";
  readonly namespace: NamespaceRef;
  readonly family: Family;
  readonly destination: Subnet | "default";
  readonly gateway?: IpAddress;
  /** Outgoing link. */
  readonly link?: string;
  /** Preferred source address (RTA_PREFSRC). */
  readonly source?: IpAddress;
  /** The gateway is on the link although no address says so (RTNH_F_ONLINK). */
  readonly onLink?: boolean;
  /** Routing table number; main (254) where absent. */
  readonly table?: number;
  /** RTA_PRIORITY; lower wins. */
  readonly metric?: number;
  readonly scope?: "universe" | "link" | "host";
  readonly type?: "unicast" | "blackhole" | "unreachable" | "prohibit";
  /** Largest packet on this way, bytes (RTAX_MTU); IPv4 at most 65520. Path MTU discovery may find less. */
  readonly mtu?: number;
  /** The maximum segment size that TCP connections on this way tell the other side, bytes (RTAX_ADVMSS); at most 65495. */
  readonly advertisedMss?: number;
  /** It goes behind whatever others have to the same destination; where it is absent, that is a refusal. It says how the route is made: once there, nothing tells of it. */
  readonly behindOthers?: true;
}

/** A neighbour entry, or with `forwarding` an FDB entry of a bridge or VXLAN link. */
export interface Neighbour {
  readonly kind: "neighbour";
  readonly namespace: NamespaceRef;
  readonly link: string;
  /** The neighbour's address; for an FDB entry the remote VTEP, if any. */
  readonly address?: IpAddress;
  readonly mac: MacAddress;
  /** True for an FDB entry (AF_BRIDGE). */
  readonly forwarding?: boolean;
}

/** A policy rule (struct fib_rule_hdr). */
export interface Rule {
  readonly kind: "rule";
  readonly namespace: NamespaceRef;
  readonly family: Family;
  readonly priority: number;
  readonly table: number;
  readonly from?: Subnet;
  readonly to?: Subnet;
  readonly inputLink?: string;
  readonly mark?: { readonly value: number; readonly mask: number };
  /** Routes found with a prefix of this length or shorter do not count (FRA_SUPPRESS_PREFIXLEN): 0 for all but the default route. */
  readonly suppressPrefixLength?: number;
}

export interface Sysctl {
  readonly kind: "sysctl";
  readonly namespace: NamespaceRef;
  /** Slashed, relative to /proc/sys: `net/ipv4/conf/eth0.10/forwarding`. */
  readonly name: string;
  readonly value: string;
  /** What it was before the engine set it; written back when the object goes. Absent: left as it is. */
  readonly original?: string;
}

/**
 * One property of a link, whoever made it. A link that is described itself says its properties there, not here as well.
 */
export interface LinkSetting {
  readonly kind: "link-setting";
  readonly namespace: NamespaceRef;
  readonly link: string;
  readonly setting: LinkSettingName;
  /**
   * `mtu` and `transmit-queue`: a decimal number (bytes, packets); `mac`: lower case; `master`: name of a link of the same namespace, or empty for none; `up`,
   * `promiscuous`, `all-multicast` and a bridge's `vlan-filtering`: `on` or `off`.
   */
  readonly value: string;
  /** What it was before the engine set it; brought back when the object goes. Absent: left as it is. */
  readonly original?: string;
}

export type LinkSettingName =
  | "mtu"
  | "mac"
  | "promiscuous"
  | "all-multicast"
  | "transmit-queue"
  | "master"
  | "up"
  | "vlan-filtering";

/** The membership of a bridge's port, or of the bridge itself, in a VLAN, or in a row of them. What is there of that identity is taken over, and removed with the object. */
export interface BridgeVlan {
  readonly kind: "bridge-vlan";
  readonly namespace: NamespaceRef;
  readonly link: string;
  /** The link is the bridge itself, not one of its ports. */
  readonly self?: true;
  /** VLAN identifier, 1 to 4094. */
  readonly id: number;
  /** The last one of a row that begins with `id`; of a row none is `pvid`. Absent: it is the only one. */
  readonly last?: number;
  /** It is no member: a port becomes one of the bridge's default VLAN when it joins. That is not brought back when the object goes. */
  readonly member?: false;
  /** Frames leave without their tag. */
  readonly untagged: boolean;
  /** Frames that come without a tag belong to it. A link has one such VLAN at most: the last one that was made. */
  readonly pvid: boolean;
}

/** What all that leaves a link passes: a token bucket filter, which holds it back to a rate. */
export interface Qdisc {
  readonly kind: "qdisc";
  readonly namespace: NamespaceRef;
  readonly link: string;
  readonly type: "tbf";
  /** Bytes per second, at least 1. */
  readonly rate: number;
  /** Bytes that may leave at once after a pause, less than 2^32; at least a whole frame, for a longer one is dropped. */
  readonly burst: number;
  /** How long a packet may wait until it is dropped, microseconds. */
  readonly latency: number;
}

/**
 * Whatever forwards by way of a link is let through the host's `FORWARD` chain of iptables, which may drop what nobody accepts: what comes from the link, and what goes
 * to it as an answer or by a published port. Where there is no such chain, nothing is in the way.
 */
export interface Passage {
  readonly kind: "passage";
  readonly namespace: NamespaceRef;
  readonly family: Family;
  readonly link: string;
}

export interface File {
  readonly kind: "file";
  /** Absolute, in the engine's mount namespace. */
  readonly path: string;
  readonly content: string;
  /** Permission bits. */
  readonly mode: number;
  /** What others may do: write below its last line, or, in a sealed text, something else instead, which then stays. */
  readonly edits?: "below" | "instead";
  /** Its place may be somebody else's: what is not as it was sealed is not removed. */
  readonly shared?: true;
}

/** Ports of the host, of which published ones are made, for the engine alone. */
export interface Port extends PortClaim {
  readonly kind: "port";
}

export type KernelObject =
  | Namespace
  | Port
  | Link
  | MovedLink
  | Address
  | Route
  | Neighbour
  | Rule
  | Sysctl
  | LinkSetting
  | BridgeVlan
  | Qdisc
  | NftTable
  | NftChain
  | NftSet
  | NftRule
  | NftElement
  | Passage
  | File;

export type ObjectKind = KernelObject["kind"];
