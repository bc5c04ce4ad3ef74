/**
 * The seam: everything the engine does to Linux goes through this interface, and every method is synchronous but `sendAside`, which is
 * for what takes the kernel long, and `watch`. The failure injector of the tests wraps it; nothing else stands in
 * for it. A namespace is named by `"host"` (the one the kernel object was made in) or by the absolute path of its file.
 */
import type { Family, IpAddress } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { TransportProtocol } from "../address/port.ts";
import type { NetlinkMessage, ReceivedMessage } from "./netlink/message.ts";
import type { LegacyTable } from "./xtables/table.ts";

/** `"host"`, or the absolute path of a network namespace file. */
export type NamespaceRef = "host" | `/${string}`;

/** Netlink families in use: NETLINK_ROUTE, NETLINK_NETFILTER (nftables, and apart from it connection tracking), NETLINK_XFRM. */
export type NetlinkFamily = "route" | "netfilter" | "conntrack" | "xfrm";

/** Ports of the host in a row, for one process alone. */
export interface PortClaim {
  readonly protocol: TransportProtocol;
  /** One address of the host; absent: all of them. */
  readonly address?: IpAddress;
  readonly first: number;
  readonly last: number;
}

/** The kernel's refusal of one request. */
export interface KernelRefusal {
  /** Positive errno. */
  readonly errno: number;
  /** Its name, `EEXIST`. */
  readonly code: string;
  /** The extended acknowledgement's text (NLMSGERR_ATTR_MSG) or the system's words for the errno. */
  readonly message: string;
  /** Offset in the request of the attribute at fault (NLMSGERR_ATTR_OFFS), bytes. */
  readonly offset?: number;
}

/** Thrown by the methods that do one thing; `send` returns refusals instead. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  readonly refusal: KernelRefusal;
  constructor(operation: string, refusal: KernelRefusal) {
    super(`${operation}: ${refusal.message} (${refusal.code})`);
    this.refusal = refusal;
  }
}

/** Whole Ethernet frames, out by one link and in from it. */
export interface PacketSocket {
  /** MAC address of the link. */
  readonly mac: MacAddress;
  /** Sends frames; throws KernelError where the link is down or gone. */
  send(frames: readonly Uint8Array[]): void;
  /** Sends frames without waiting until everybody on the link has them; whether they could be sent nobody hears. */
  post(frames: readonly Uint8Array[]): void;
  /** The frames that have come since the last call, oldest first, without waiting for more; our own are among them. */
  receive(): readonly Uint8Array[];
  close(): void;
}

export interface Kernel {
  /** Makes a network namespace and binds it to `path`, which must not exist; missing parent directories are made. */
  createNamespace(path: string): void;
  /** Unbinds and removes `path`, closing every descriptor held on it; the kernel frees the namespace later. */
  dropNamespace(path: string): void;
  /** Whether `path` is a network namespace. */
  namespaceExists(path: string): boolean;
  /** A descriptor of the namespace, `"host"` or the path of its file, for attributes such as IFLA_NET_NS_FD; owned by the kernel object, do not close. */
  namespaceDescriptor(path: string): number;
  /** Closes all descriptors held on namespaces other than the host, which would keep them alive after their last process. */
  forgetNamespaces(): void;

  /**
   * Sends all messages in one `sendmsg` and returns one entry for each: undefined when acknowledged, else the refusal. For
   * "route", "conntrack" and "xfrm" a refused message does not stop the next ones. For "netfilter" the messages are one transaction: the caller passes them without
   * batch begin and end, all take effect or none, and a refusal is reported at the message at fault (or the first one).
   */
  send(
    namespace: NamespaceRef,
    family: NetlinkFamily,
    messages: readonly NetlinkMessage[],
  ): readonly (KernelRefusal | undefined)[];
  /**
   * Sends one message from a thread of Node's pool, for what takes the kernel tens of milliseconds; resolves with a refusal, or undefined. Rejects with KernelError.
   */
  sendAside(
    namespace: NamespaceRef,
    family: NetlinkFamily,
    message: NetlinkMessage,
  ): Promise<KernelRefusal | undefined>;
  /** Sends one request without NLM_F_DUMP and returns its answers; throws KernelError. */
  get(namespace: NamespaceRef, family: NetlinkFamily, message: NetlinkMessage): readonly ReceivedMessage[];
  /** Sends one dump request (NLM_F_DUMP is added), repeating interrupted dumps; throws KernelError. */
  dump(namespace: NamespaceRef, family: NetlinkFamily, message: NetlinkMessage): readonly ReceivedMessage[];

  /**
   * Notifications of one of a family's groups in the host, a datagram's at a time; `"overrun"` where some were lost. What this seam changes in the
   * ruleset is not among them. Ends with the signal, and occupies a thread of Node's pool until then.
   */
  watch(
    family: NetlinkFamily,
    group: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly ReceivedMessage[] | "overrun">;

  /** Whether a link is there; throws KernelError where the namespace is not. */
  hasLink(namespace: NamespaceRef, name: string): boolean;
  /** Index of a link; throws KernelError ENODEV. */
  linkIndex(namespace: NamespaceRef, name: string): number;

  /** Opens a packet socket on a link, to send or also to listen for address resolution (ARP, neighbour discovery); throws KernelError. */
  openPackets(namespace: NamespaceRef, link: string, mode: "send" | "listen"): PacketSocket;

  /** The tables of iptables-legacy that the host has, of one family; throws KernelError. */
  legacyTables(family: Family): readonly LegacyTable[];

  /** Reads a sysctl by dotted or slashed name as seen from the namespace; undefined where it does not exist. Trailing newline cut. */
  readSysctl(namespace: NamespaceRef, name: string): string | undefined;
  /** Writes a sysctl; throws KernelError. */
  writeSysctl(namespace: NamespaceRef, name: string, value: string): void;

  /** The text and mode (permission bits) of what is at a path, a link not followed; no text for what is no file, or one of more than a mebibyte. Undefined where nothing is. */
  readFile(path: string): { readonly content: string | undefined; readonly mode: number } | undefined;
  /**
   * Writes a file as a whole: in place where it is there, so that what is bound to it goes on leading to it, or beside and renamed, so that it is never seen in
   * part. Missing parent directories are made; throws KernelError.
   */
  writeFile(path: string, content: string, mode: number, how?: "in-place" | "replace"): void;
  /** Removes a file, and its parent directory if that is empty then; no error where it does not exist. */
  removeFile(path: string): void;

  /** Binds the ports for as long as this kernel object lives, all or none; throws KernelError EADDRINUSE, which names who has one, or EADDRNOTAVAIL. */
  holdPorts(claim: PortClaim): void;
  /** Lets go of them; no error where they are not held. */
  releasePorts(claim: PortClaim): void;
  heldPorts(): readonly PortClaim[];
  /**
   * Why the ports cannot be bound now; undefined where they could, nobody, this object included, having one. Where a namespace is given, processes in it and those
   * that started them do not count.
   */
  portRefusal(claim: PortClaim, namespace?: string): KernelRefusal | undefined;

  /** Closes everything held. */
  close(): void;
}
