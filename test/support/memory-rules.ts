/** What Linux refuses of new objects: the rules of the kernel's model (memory-kernel.ts). */
import { constants } from "node:os";
import { addressOf, cidrFamily, contains, type InterfaceAddress, lengthOf, subnetOf } from "../../src/address/cidr.ts";
import type { IpAddress } from "../../src/address/ip.ts";
import type { KernelRefusal } from "../../src/kernel/kernel.ts";
import { refusalOf } from "../../src/kernel/syscalls.ts";
import { linkKey, namespaceKey } from "../../src/state/kind.ts";
import type { Address, KernelObject, Link, NamespaceRef, Route } from "../../src/state/objects.ts";
import { elementsOverlap } from "./element-overlap.ts";

/** The model's refusal of a change. */
export class Refusal extends Error {
  readonly refusal: KernelRefusal;
  constructor(code: keyof typeof constants.errno, message: string) {
    super(message);
    this.refusal = refusalOf(constants.errno[code], message);
  }
}

/** What was there before, and is not ours. */
export interface ForeignState {
  readonly links?: readonly { readonly name: string; readonly type: string }[];
  readonly addresses?: readonly { readonly link: string; readonly address: InterfaceAddress }[];
  /** Paths of network namespaces. */
  readonly namespaces?: readonly string[];
  /** Values of the host's sysctls by slashed name; the others are `0`. */
  readonly sysctls?: Readonly<Record<string, string>>;
}

/** A link as others see it; what is not said of it is the kernel's choice. */
export interface LinkView {
  readonly type: string;
  readonly up: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  readonly master?: string;
}

/** What the rules ask of the model. */
export interface KernelView {
  readonly foreign: ForeignState;
  hasNamespace(namespace: string): boolean;
  link(namespace: NamespaceRef, name: string): LinkView | undefined;
  readSysctl(namespace: NamespaceRef, name: string): string | undefined;
  /** Whether an object of ours answers to a key. */
  has(key: string): boolean;
  /** The objects that refer to a key. */
  referring(key: string): readonly KernelObject[];
}

/** Throws where what a key names is not there. */
export function requireKey(kernel: KernelView, key: string): void {
  const [kind, namespace = "", name = ""] = key.split(" ");
  if (kind === "namespace" && !kernel.hasNamespace(namespace)) throw new Refusal("ENOENT", `${key} is not there`);
  // Keys of links are made of a NamespaceRef (kind.ts).
  if (kind === "link" && kernel.link(namespace as NamespaceRef, name) === undefined)
    throw new Refusal("ENODEV", `${key} is not there`);
  if (kind !== "namespace" && kind !== "link" && !kernel.has(key)) throw new Refusal("ENOENT", `${key} is not there`);
}

/** Throws where a new object cannot be, although what it refers to is there and its identity is free. */
export function checkNew(kernel: KernelView, object: KernelObject): void {
  if (object.kind === "link") checkLink(kernel, object);
  else if (object.kind === "address") checkAddress(kernel, object);
  else if (object.kind === "route") checkRoute(kernel, object);
  else if (object.kind === "namespace" && kernel.hasNamespace(object.path))
    throw new Refusal("EEXIST", "a network namespace is there already");
  else if (object.kind === "nft-element" && object.type.interval) {
    const others = kernel.referring(`nft-set ${object.namespace} ${object.table} ${object.set}`);
    if (others.some((one) => one.kind === "nft-element" && elementsOverlap(one.key, object.key)))
      throw new Refusal("EEXIST", "the interval overlaps another one");
  }
}

function checkLink(kernel: KernelView, link: Link): void {
  for (const { namespace, name } of endsOf(link)) {
    if (!/^[^\s/:]{1,15}$/.test(name)) throw new Refusal("EINVAL", `"${name}" is no name of a link`);
    if (kernel.link(namespace, name) !== undefined) throw new Refusal("EEXIST", `link ${name} is there already`);
  }
  if (link.type === "veth" && link.namespace === link.peer.namespace && link.name === link.peer.name)
    throw new Refusal("EEXIST", "both ends have one name");
  checkMaster(kernel, link.namespace, link.master);
}

/** A link, and with a veth its other end. */
export const endsOf = (link: Link): readonly Pick<Link, "namespace" | "name">[] =>
  link.type === "veth" ? [link, link.peer] : [link];

/** Throws where a link cannot be a port of its master. */
export function checkMaster(kernel: KernelView, namespace: NamespaceRef, master: string | undefined): void {
  if (master === undefined) return;
  const type = kernel.link(namespace, master)?.type;
  if (type === undefined) throw new Refusal("ENODEV", `link ${master} is not there`);
  if (type !== "bridge" && type !== "vrf") throw new Refusal("EOPNOTSUPP", "the master has no ports");
}

function checkAddress(kernel: KernelView, { namespace, link, address }: Address): void {
  if (cidrFamily(address) === 4) return;
  if (kernel.readSysctl(namespace, `net/ipv6/conf/${link}/disable_ipv6`) === "1")
    throw new Refusal("EACCES", "IPv6 is disabled on this device");
  // IPv4 tells addresses of one link apart by their prefix length, too.
  const same = kernel
    .referring(linkKey(namespace, link))
    .some((one) => one.kind === "address" && addressOf(one.address) === addressOf(address));
  if (same) throw new Refusal("EEXIST", "address already assigned");
}

/** Throws where a route's way is not there. */
export function checkRoute(kernel: KernelView, route: Route): void {
  const { namespace, family, destination, link, gateway, source, onLink, metric, table } = route;
  if (link !== undefined && kernel.link(namespace, link)?.up !== true)
    throw new Refusal("ENETDOWN", "the nexthop device is not up");
  if (gateway !== undefined && !reaches(kernel, namespace, gateway, link, onLink === true))
    throw new Refusal("ENETUNREACH", "nexthop has invalid gateway");
  const addresses = addressesOf(kernel, namespace);
  if (source !== undefined && !addresses.some(({ address }) => addressOf(address) === source))
    throw new Refusal("EINVAL", "invalid prefsrc address");
  const connected = addresses.some(({ address }) => subnetOf(addressOf(address), lengthOf(address)) === destination);
  if (family === 4 && connected && (metric ?? 0) === 0 && (table ?? 254) === 254)
    throw new Refusal("EEXIST", "the kernel's own route to a connected subnet is there already");
}

/** Whether a gateway can be asked for on a link: some address or route says that it is there. */
function reaches(
  kernel: KernelView,
  namespace: NamespaceRef,
  gateway: IpAddress,
  link: string | undefined,
  onLink: boolean,
): boolean {
  if (link !== undefined && (onLink || gateway.startsWith("fe80:"))) return true;
  const connected = addressesOf(kernel, namespace).some(
    (one) =>
      (link === undefined || one.link === link) &&
      kernel.link(namespace, one.link)?.up === true &&
      contains(subnetOf(addressOf(one.address), lengthOf(one.address)), gateway),
  );
  if (connected) return true;
  return kernel
    .referring(namespaceKey(namespace))
    .some(
      (one) =>
        one.kind === "route" &&
        one.gateway === undefined &&
        one.link !== undefined &&
        (link === undefined || one.link === link) &&
        one.destination !== "default" &&
        contains(one.destination, gateway),
    );
}

/** The addresses of a namespace, foreign ones included. */
export function addressesOf(
  kernel: KernelView,
  namespace: NamespaceRef,
): readonly { readonly link: string; readonly address: InterfaceAddress }[] {
  const own = kernel.referring(namespaceKey(namespace)).filter((one) => one.kind === "address");
  return namespace === "host" ? [...own, ...(kernel.foreign.addresses ?? [])] : own;
}
