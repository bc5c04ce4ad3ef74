/**
 * What an endpoint is to CNI: the attachment of a container's interface to a network, and what each plugin of the network's chain has added to it. What a plugin
 * added is kept as it decided then, so that what is taken away later never depends on what a caller remembers.
 */
import type { InterfaceAddress, Subnet } from "../address/cidr.ts";
import type { Family, IpAddress } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { PublishedPort } from "../address/port.ts";
import type { BridgeLink, IpvlanMode, LinkSetting, MacvlanMode, Sysctl, VlanLink } from "../state/objects.ts";

export interface AttachmentRecord {
  readonly containerId: string;
  /** What each plugin added, in the order of the calls. */
  readonly parts: readonly AttachmentPart[];
}

/** What one plugin added. */
export interface AttachmentPart {
  /** The plugin's type. */
  readonly plugin: string;
  readonly made: Made;
}

/** A route inside, of IPAM's. */
export interface AttachmentRoute {
  readonly destination: Subnet;
  readonly gateway?: IpAddress;
  readonly mtu?: number;
  readonly advertisedMss?: number;
  readonly metric?: number;
  readonly table?: number;
  readonly scope?: "universe" | "link" | "host";
}

/** An interface inside, whatever link it is. */
export interface AttachmentInterface {
  readonly mac?: MacAddress;
  /** Bytes. */
  readonly mtu?: number;
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly AttachmentRoute[];
}

/** The end of a veth pair on the host. */
export interface HostEnd {
  readonly name: string;
  readonly mac: MacAddress;
}

/** VLANs that a bridge's port is a member of. */
export interface PortVlans {
  /** That of frames without a tag; absent where there is none. */
  readonly native?: number;
  /** Rows of those whose frames have their tags, first and last. */
  readonly tagged: readonly (readonly [first: number, last: number])[];
  /** That of the bridge's new ports, of which this one is no member. */
  readonly without?: number;
}

/** A veth pair between a bridge and the container. */
export interface BridgedInterface extends AttachmentInterface {
  readonly kind: "bridged";
  readonly hostEnd: HostEnd;
  readonly bridge: string;
  /** The bridge where it is ours: it comes with the first interface that names it and goes with the last. */
  readonly own?: BridgeLink;
  /** Addresses of the bridge, or of {@link gatewayLink}, that the container's gateways are. */
  readonly gateways: readonly InterfaceAddress[];
  /** Absent: as the bridge has it. */
  readonly vlans?: PortVlans;
  /** What the host has in the port's VLAN; `own` where it is ours. */
  readonly gatewayLink?: { readonly name: string; readonly own?: VlanLink };
  /** Families in which the host is made a router. */
  readonly forwarding: readonly Family[];
  readonly masquerade: boolean;
  readonly hairpin: boolean;
  readonly isolated: boolean;
  /** The bridge takes what is for others as well. */
  readonly promiscuous: boolean;
  /** A bridge of somebody else's that is down, and has to be up. */
  readonly raise: boolean;
  /** What the container sends under another MAC address than its own is dropped. */
  readonly ownMacOnly?: true;
  /** The interface inside is left down. */
  readonly leftDown?: true;
}

/** A veth pair between the host and the container, with a route of its own each way. */
export interface RoutedInterface extends AttachmentInterface {
  readonly kind: "routed";
  readonly hostEnd: HostEnd;
  /** Addresses of the host's end. */
  readonly gateways: readonly IpAddress[];
  readonly masquerade: boolean;
}

/** What an interface stands on. */
export interface StandingInterface extends AttachmentInterface {
  readonly parent: string;
  /** The parent is the container's own; absent: the host's. */
  readonly parentInside?: true;
}

/** A macvlan or ipvlan link. */
export interface ParentedInterface extends StandingInterface {
  readonly kind: "parented";
  readonly link:
    | { readonly type: "macvlan"; readonly mode: MacvlanMode }
    | { readonly type: "ipvlan"; readonly mode: IpvlanMode };
}

/** A link of the host, lent to the container. */
export interface LentInterface extends AttachmentInterface {
  readonly kind: "lent";
  /** Its name on the host. */
  readonly device: string;
}

/** One VLAN's tag on a link. */
export interface TaggedInterface extends StandingInterface {
  readonly kind: "tagged";
  /** VLAN identifier, 1 to 4094. */
  readonly id: number;
}

/** Published ports: the endpoint's own, which lead to these addresses. */
export interface PublishedPorts {
  readonly kind: "published";
  /** What was asked for. */
  readonly wishes: readonly PublishedPort[];
  readonly addresses: readonly InterfaceAddress[];
  /** Who is hidden behind the host: those of the container's own subnet, without whom their connections would not hold, all, or nobody. */
  readonly hidden: "neighbours" | "all" | "nobody";
  /** The link of the host behind which the container is; absent where there is none. */
  readonly behind?: string;
}

/** Sysctls and properties of links inside the container, and what they were. */
export interface Settings {
  readonly kind: "set";
  /** By slashed name. */
  readonly sysctls: readonly Pick<Sysctl, "name" | "value" | "original">[];
  readonly links: readonly Pick<LinkSetting, "link" | "setting" | "value" | "original">[];
}

/** The interface in a VRF, which comes with the first of its interfaces and goes with the last. */
export interface Enslaved {
  readonly kind: "enslaved";
  readonly vrf: string;
  readonly table: number;
}

/** A table of routes of its own for what leaves from the interface's addresses. */
export interface SourceRoutes {
  readonly kind: "sourced";
  readonly ways: readonly {
    readonly address: InterfaceAddress;
    readonly gateway?: IpAddress;
    readonly table: number;
    readonly routes: readonly AttachmentRoute[];
  }[];
}

/** A token bucket: bits of CNI's as octets. */
export interface Rate {
  /** Bytes per second. */
  readonly rate: number;
  /** Bytes. */
  readonly burst: number;
}

/** Limits of what comes to the container, at the host's end, and of what leaves it, at its own. */
export interface Shaped {
  readonly kind: "shaped";
  readonly ingress?: Rate & { readonly hostEnd: string };
  readonly egress?: Rate;
}

/** The bridge or link of the host behind which the container is, if any, which other networks' containers reach or not. */
export interface Filtered {
  readonly kind: "filtered";
  readonly behind?: string;
  /** `same-bridge`: not from other bridges; `isolated`: not from its own either. */
  readonly policy: "open" | "same-bridge" | "isolated";
}

/** The endpoint itself, of a network of the engine's own: its driver describes it. */
export interface Joined {
  readonly kind: "joined";
  /** Ports that were asked for. */
  readonly wishes: readonly PublishedPort[];
}

export type Made =
  | Joined
  | BridgedInterface
  | RoutedInterface
  | ParentedInterface
  | LentInterface
  | TaggedInterface
  | PublishedPorts
  | Settings
  | Enslaved
  | SourceRoutes
  | Shaped
  | Filtered;
