/** What CNI's plugins ask of the model: attachments, the addresses given to them, and what is there. */
import type { InterfaceAddress } from "../address/cidr.ts";
import type { IpAddress } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { PortWish } from "../address/port.ts";
import type { FeatureName, NamespaceFacts } from "../state/engine.ts";
import type { Address, KernelObject, Link, LinkSetting, NamespaceRef } from "../state/objects.ts";
import type { AttachmentPart } from "../store/attachment.ts";
import type { EndpointRecord, ReservationRecord, SandboxRecord } from "../store/records.ts";

/** Which attachment. */
export interface AttachmentKey {
  /** The network's name, in CNI's configuration. */
  readonly network: string;
  readonly containerId: string;
  readonly interfaceName: string;
}

/** What a plugin's call decides, once nothing else is under way. */
export interface Decision {
  readonly part: AttachmentPart;
  readonly mac?: MacAddress;
  /** The container's addresses: of an interface that the part is, or of one that somebody else made. */
  readonly addresses?: readonly InterfaceAddress[];
  readonly publish?: readonly PortWish[];
  /** Somebody else's addresses that are in the way, and go first. */
  readonly instead?: readonly Address[];
}

/** What a decision may look at. */
export interface AttachmentScene {
  /** What the attachment is so far. */
  readonly endpoint: EndpointRecord | undefined;
  /** All that is attached to the container. */
  readonly company: readonly EndpointRecord[];
  /** What the container has now. */
  inside(): Promise<NamespaceFacts>;
  /** Whether the container has a link of that name. */
  hasLink(name: string): Promise<boolean>;
  /** What the host has now. */
  host(): Promise<NamespaceFacts>;
}

/** Who an address is given to. */
export interface ReservationHolder {
  readonly containerId: string;
  readonly interfaceName: string;
}

/** A network, as it is asked for (types.ts). */
interface NetworkSpec {
  readonly name: string;
  readonly driver?: string;
  readonly internal?: boolean;
  readonly enableIpv4?: boolean;
  readonly enableIpv6?: boolean;
  readonly ipam?: {
    readonly pools?: readonly { readonly subnet?: string; readonly ipRange?: string; readonly gateway?: string }[];
  };
  readonly options?: Readonly<Record<string, string>>;
}

/** An endpoint, as it is asked for (types.ts). */
interface EndpointSpec {
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly mac?: string;
  readonly aliases?: readonly string[];
  readonly publish?: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
}

/** What is to be told of an attachment in a network of the engine's own. */
export interface Told {
  /** Links of the host that belong to it, the one that others share first. */
  readonly onHost: readonly { readonly name: string; readonly mac?: MacAddress; readonly mtu?: number }[];
  /** Of the interface inside, bytes. */
  readonly mtu?: number;
  /** By which everybody else is reached, one of each family. */
  readonly gateways: readonly IpAddress[];
  /** Whether names are served inside. */
  readonly names: boolean;
}

/** What waits for each other: the same member of a group, or without a member the whole group. */
export interface Turn {
  readonly group: string;
  readonly member?: string;
}

export interface Attachments {
  /** Throws `unsupported` where the kernel lacks one of these features, which CNI's network of that name needs. */
  requireFeatures(network: string, features: readonly FeatureName[]): Promise<void>;
  /** Runs `work` once what was begun before it has ended. Whoever has a turn never asks for another of the same group. */
  inTurn<Result>(turn: Turn, work: () => Promise<Result>): Promise<Result>;
  /** The host's address for ports that name none; undefined: all of them. */
  readonly publishAddress: IpAddress | undefined;
  /**
   * Adds a part to an attachment, which is made where there is none. Throws what `decide` throws, `exists` where the attachment is in another namespace that is still
   * there, `in-use` for ports that are taken.
   */
  attach(
    key: AttachmentKey,
    namespace: `/${string}`,
    decide: (scene: AttachmentScene) => Promise<Decision>,
  ): Promise<EndpointRecord>;
  /**
   * Attaches a container to a network of the engine's own, which is made as `network` says where there is none of that name, and goes with its last endpoint then.
   * Throws what creating networks and connecting throw, `exists` where the network has another driver.
   */
  join(
    key: AttachmentKey,
    namespace: `/${string}`,
    network: NetworkSpec,
    endpoint: EndpointSpec,
    part: (endpoint: EndpointRecord) => AttachmentPart,
  ): Promise<EndpointRecord>;
  /** Takes away the last part that a plugin added. Nothing to take away is fine. */
  detach(key: AttachmentKey, plugin: string): Promise<void>;
  /** Lets a network go that came with its first attachment and was left without any, by a failure or by who was killed before it went. */
  forgetEmpty(network: string): Promise<void>;
  told(endpoint: EndpointRecord): Told;
  hasDriver(name: string): boolean;
  find(key: AttachmentKey): EndpointRecord | undefined;
  /** All attachments to CNI's network of that name. */
  of(network: string): readonly EndpointRecord[];
  sandboxOf(endpoint: EndpointRecord): SandboxRecord | undefined;
  /** The link that the engine wants under that name in the host. */
  wantedLink(name: string): Link | undefined;
  /** Whether the engine wants an address on a link of the host. */
  wantsAddress(link: string, address: InterfaceAddress): boolean;
  facts(namespace: NamespaceRef): Promise<NamespaceFacts>;
  namespaceExists(path: string): Promise<boolean>;
  readSysctls(namespace: NamespaceRef, names: readonly string[]): Promise<readonly (string | undefined)[]>;
  readLinkSettings(
    namespace: NamespaceRef,
    settings: readonly Pick<LinkSetting, "link" | "setting">[],
  ): Promise<readonly (string | undefined)[]>;
  /** A random local MAC address. */
  newMac(): MacAddress;
  /** A random name for a link, of 8 hexadecimal digits behind the prefix. */
  newLinkName(prefix: string): string;
  /** What of an attachment is not as it is described, in words; `adapt` says what is asked for of each object, undefined for nothing. */
  differences(
    endpoint: EndpointRecord,
    adapt: (object: KernelObject) => KernelObject | undefined,
  ): Promise<readonly string[]>;
  /** What a holder has in a pool of addresses. */
  reservation(pool: string, holder: ReservationHolder): ReservationRecord | undefined;
  reservations(pool: string): readonly ReservationRecord[];
  isReserved(pool: string, address: IpAddress): boolean;
  /** The address of a set that was given out last. */
  lastReserved(pool: string, set: number): IpAddress | undefined;
  /**
   * Gives addresses out: nobody else gets them from now on. Throws `store`. Written `now`, or `along` with the next change: for who attaches an interface with them
   * before anybody is told of them.
   */
  reserve(
    pool: string,
    holder: ReservationHolder,
    addresses: readonly IpAddress[],
    written: "now" | "along",
  ): Promise<void>;
  /** Gives addresses back. Throws `store`. */
  release(records: readonly ReservationRecord[]): Promise<void>;
}
