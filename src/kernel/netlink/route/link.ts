/** Links: network devices (rtnetlink RTM_*LINK; linux/if_link.h, man 7 rtnetlink). */

import { bytesToMac, type MacAddress, macToBytes } from "../../../address/mac.ts";
import { PortolanError } from "../../../errors.ts";
import { type Attributes, AttributeWriter } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import { decodeLinkHeader, encodeLinkHeader, hasFlag, linkAttribute, linkHeaderLength } from "./link-header.ts";
import { type BridgePort, decodeBridgePort, encodeBridgePort } from "./link-kinds/bridge-port.ts";
import { type LinkKindData, linkKindCodec } from "./link-kinds/index.ts";
import { addressFamily, attributesAfter, createFlags, type MessageBody, routeMessage } from "./rtnetlink.ts";

export type { BridgePort } from "./link-kinds/bridge-port.ts";
export type { LinkKindData } from "./link-kinds/index.ts";
export type { IpvlanFlag, IpvlanMode } from "./link-kinds/ipvlan.ts";
export type { MacvlanMode } from "./link-kinds/macvlan.ts";

/** IFLA_INFO_* attribute types, inside IFLA_LINKINFO. */
const infoAttribute = {
  /** IFLA_INFO_KIND */ kind: 1,
  /** IFLA_INFO_DATA */ data: 2,
  /** IFLA_INFO_SLAVE_KIND: the kind of the master. */ portKind: 4,
  /** IFLA_INFO_SLAVE_DATA */ portData: 5,
} as const;

/** IFLA_INET6_ADDR_GEN_MODE, inside AF_INET6 inside IFLA_AF_SPEC. */
const addressGenerationAttribute = 8;

/** IN6_ADDR_GEN_MODE_*, by value. */
const addressGenerations = ["eui64", "none", "stable-privacy", "random"] as const;
/** How the kernel makes a link's IPv6 link-local address. */
export type AddressGeneration = (typeof addressGenerations)[number];

/** RTEXT_FILTER_SKIP_STATS: leave counters out of the answer, two thirds of its size. */
const skipStatistics = 8;

/** What can be said both when a link is made and later. */
interface LinkSettings {
  readonly mac?: MacAddress | undefined;
  /** Bytes. */
  readonly mtu?: number | undefined;
  /** Administratively up (IFF_UP); absent: as it is, for a new link down. */
  readonly up?: boolean | undefined;
  /** Takes in frames for anybody (IFF_PROMISC), or for any group (IFF_ALLMULTI). */
  readonly promiscuous?: boolean | undefined;
  readonly allMulticast?: boolean | undefined;
  /** Packets that may wait to be sent (IFLA_TXQLEN). */
  readonly transmitQueue?: number | undefined;
  /** Index of the master; 0 for none. */
  readonly master?: number | undefined;
  readonly group?: number | undefined;
  /** Descriptor of the namespace the link is born in, or moved to. */
  readonly namespaceDescriptor?: number | undefined;
}

/**
 * A link to make. Alias, address generation and port settings are missing here because the kernel passes over them in the creating
 * message, without an error: {@link setLink} after it. An MTU is heeded, but a bridge takes it for its own choice and goes with the
 * least of its ports' as they come; only a later {@link setLink} makes it last, and only where it differs from what the bridge has. So
 * make a bridge without one.
 */
export interface NewLink extends LinkSettings {
  readonly name: string;
  /** Chosen by the kernel where absent. */
  readonly index?: number | undefined;
  /** Index of the link it stands on (macvlan, ipvlan, vlan). */
  readonly link?: number | undefined;
  /** How many queues it has in each direction; chosen by the kernel where absent, for a veth one for each processor (veth_get_num_queues). */
  readonly queues?: number | undefined;
  /** Id of the namespace in which `link` counts; the request's own where absent. */
  readonly linkNamespaceId?: number | undefined;
  /** Kind, and what only that kind has. */
  readonly data: LinkKindData;
}

/** What to change about a link; absent fields stay as they are. */
export interface LinkChange extends LinkSettings {
  /** New name; only for a link that is addressed by index. */
  readonly rename?: string | undefined;
  readonly alias?: string | undefined;
  readonly addressGeneration?: AddressGeneration | undefined;
  /** Kind data to change; the link must be of that kind. */
  readonly data?: LinkKindData | undefined;
  /** Settings as port of a bridge, of which it must be a port already, before this message. */
  readonly port?: BridgePort | undefined;
}

/** A link as a request addresses it. */
export type LinkTarget = { readonly index: number } | { readonly name: string };

/** A link as the kernel tells it. */
export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  /** IFF_* (linux/if.h). */
  readonly flags: number;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** Whether somebody set IFF_PROMISC and IFF_ALLMULTI: as port of a bridge a link is promiscuous without. */
  readonly promiscuous: boolean;
  readonly allMulticast: boolean;
  /** Packets that may wait to be sent. */
  readonly transmitQueue: number | undefined;
  /** Undefined for links without an Ethernet address. */
  readonly mac: MacAddress | undefined;
  /** Bytes. */
  readonly mtu: number | undefined;
  /** Index of the link it stands on; of a veth, its peer. */
  readonly link: number | undefined;
  /** Kind of its root queueing discipline. */
  readonly qdisc: string | undefined;
  /** Index of its master. */
  readonly master: number | undefined;
  /** The kernel's name of its kind; undefined for hardware and loopback. */
  readonly kind: string | undefined;
  /** What only its kind has; undefined for kinds without a codec. */
  readonly data: LinkKindData | undefined;
  /** Settings as port of a bridge; undefined where it is none. */
  readonly port: BridgePort | undefined;
  readonly alias: string | undefined;
  readonly addressGeneration: AddressGeneration | undefined;
  readonly group: number | undefined;
  /** Id of the namespace in which `link` counts; undefined where that is the link's own. */
  readonly linkNamespaceId: number | undefined;
}

/** Makes a link; refused with EEXIST where the name is taken. */
export function createLink(link: NewLink): NetlinkMessage {
  const writer = new AttributeWriter().raw(encodeLinkHeader(link.index ?? 0, link));
  writeSettings(writer, link, link.name);
  if (link.link !== undefined) writer.u32(linkAttribute.link, link.link);
  if (link.queues !== undefined)
    writer.u32(linkAttribute.transmitQueues, link.queues).u32(linkAttribute.receiveQueues, link.queues);
  if (link.linkNamespaceId !== undefined) writer.s32(linkAttribute.linkNamespaceId, link.linkNamespaceId);
  writer.nested(linkAttribute.info, (info) => writeKind(info, link.data));
  return { type: routeMessage.newLink, flags: createFlags.exclusive, body: writer.finish() };
}

/** Changes a link; throws `invalid-argument` where `rename` comes with a target by name. */
export function setLink(target: LinkTarget, change: LinkChange): NetlinkMessage {
  const name = "name" in target ? target.name : undefined;
  if (name !== undefined && change.rename !== undefined) {
    throw new PortolanError("invalid-argument", `link ${name} cannot be renamed by name`, {
      reason: "the message has one place for a name: it addresses the link, or is its new name",
      advice: "address the link by its index",
    });
  }
  const writer = new AttributeWriter().raw(encodeLinkHeader("index" in target ? target.index : 0, change));
  writeSettings(writer, change, name ?? change.rename);
  const { data, port, alias, addressGeneration } = change;
  if (data !== undefined || port !== undefined) {
    writer.nested(linkAttribute.info, (info) => {
      if (data !== undefined) writeKind(info, data);
      if (port !== undefined) writePort(info, port);
    });
  }
  if (alias !== undefined) writer.string(linkAttribute.alias, alias);
  if (addressGeneration !== undefined) {
    writer.nested(linkAttribute.familySettings, (families) =>
      families.nested(addressFamily.inet6, (settings) =>
        settings.u8(addressGenerationAttribute, addressGenerations.indexOf(addressGeneration)),
      ),
    );
  }
  // RTM_SETLINK passes over IFLA_LINKINFO. RTM_NEWLINK heeds it, but before Linux 5.18 takes a group together with a name for a
  // change of all links of that group: so it is used for nothing else.
  const type = data === undefined && port === undefined ? routeMessage.setLink : routeMessage.newLink;
  return { type, flags: 0, body: writer.finish() };
}

/** Asks for one link. */
export function getLink(target: LinkTarget): NetlinkMessage {
  const writer = targetWriter(target).u32(linkAttribute.extendedMask, skipStatistics);
  return { type: routeMessage.getLink, flags: 0, body: writer.finish() };
}

/** Asks for all links, or those of a kind, or the ports of a master. */
export function dumpLinks(filter: { readonly kind?: string; readonly master?: number } = {}): NetlinkMessage {
  const { kind, master } = filter;
  const writer = new AttributeWriter(64).raw(encodeLinkHeader(0));
  if (master !== undefined) writer.u32(linkAttribute.master, master);
  if (kind !== undefined) writer.nested(linkAttribute.info, (info) => info.string(infoAttribute.kind, kind));
  writer.u32(linkAttribute.extendedMask, skipStatistics);
  return { type: routeMessage.getLink, flags: 0, body: writer.finish() };
}

/** Removes a link. */
export function deleteLink(target: LinkTarget): NetlinkMessage {
  return { type: routeMessage.deleteLink, flags: 0, body: targetWriter(target).finish() };
}

/** Removes all links of a group at once; refused with ENODEV where there is none, and with EOPNOTSUPP where one cannot be removed. */
export function deleteLinkGroup(group: number): NetlinkMessage {
  const writer = new AttributeWriter(32).raw(encodeLinkHeader(0)).u32(linkAttribute.group, group);
  return { type: routeMessage.deleteLink, flags: 0, body: writer.finish() };
}

function targetWriter(target: LinkTarget): AttributeWriter {
  const writer = new AttributeWriter(64);
  if ("index" in target) return writer.raw(encodeLinkHeader(target.index));
  return writer.raw(encodeLinkHeader(0)).string(linkAttribute.name, target.name);
}

function writeSettings(writer: AttributeWriter, settings: LinkSettings, name: string | undefined): void {
  if (settings.mac !== undefined) writer.bytes(linkAttribute.address, macToBytes(settings.mac));
  if (name !== undefined) writer.string(linkAttribute.name, name);
  if (settings.mtu !== undefined) writer.u32(linkAttribute.mtu, settings.mtu);
  if (settings.master !== undefined) writer.u32(linkAttribute.master, settings.master);
  if (settings.transmitQueue !== undefined) writer.u32(linkAttribute.transmitQueue, settings.transmitQueue);
  if (settings.group !== undefined) writer.u32(linkAttribute.group, settings.group);
  if (settings.namespaceDescriptor !== undefined) {
    writer.u32(linkAttribute.namespaceDescriptor, settings.namespaceDescriptor);
  }
}

function writeKind(info: AttributeWriter, data: LinkKindData): void {
  info.string(infoAttribute.kind, data.kind);
  info.nested(infoAttribute.data, (inner) => linkKindCodec(data.kind)?.encode(inner, data));
}

function writePort(info: AttributeWriter, port: BridgePort): void {
  info.string(infoAttribute.portKind, "bridge");
  info.nested(infoAttribute.portData, (inner) => encodeBridgePort(inner, port));
}

/**
 * Reads a link; undefined for other families than AF_UNSPEC: a bridge sends RTM_NEWLINK and RTM_DELLINK with AF_BRIDGE for its ports coming and
 * going, IPv6 for its own settings. Throws `kernel` on malformed bytes.
 */
export function decodeLink(message: MessageBody): LinkInfo | undefined {
  const header = decodeLinkHeader(message.body);
  if (header.family !== addressFamily.unspecified) return undefined;
  const attributes = attributesAfter(message.body, linkHeaderLength);
  const mac = attributes.get(linkAttribute.address);
  const info = attributes.get(linkAttribute.info)?.nested();
  const kind = info?.get(infoAttribute.kind)?.string();
  const isBridgePort = info?.get(infoAttribute.portKind)?.string() === "bridge";
  return {
    index: header.index,
    name: attributes.get(linkAttribute.name)?.string() ?? "",
    flags: header.flags,
    up: hasFlag(header.flags, "up"),
    promiscuous: hasFlag(header.flags, "promiscuous"),
    allMulticast: hasFlag(header.flags, "allMulticast"),
    transmitQueue: attributes.get(linkAttribute.transmitQueue)?.u32(),
    mac: mac?.value.length === 6 ? bytesToMac(mac.value) : undefined,
    mtu: attributes.get(linkAttribute.mtu)?.u32(),
    link: attributes.get(linkAttribute.link)?.u32(),
    qdisc: attributes.get(linkAttribute.qdisc)?.string(),
    master: attributes.get(linkAttribute.master)?.u32(),
    kind,
    data: kind === undefined ? undefined : linkKindCodec(kind)?.decode(nestedOrEmpty(info, infoAttribute.data)),
    port: isBridgePort ? decodeBridgePort(nestedOrEmpty(info, infoAttribute.portData)) : undefined,
    alias: attributes.get(linkAttribute.alias)?.string(),
    addressGeneration: decodeAddressGeneration(attributes),
    group: attributes.get(linkAttribute.group)?.u32(),
    linkNamespaceId: attributes.get(linkAttribute.linkNamespaceId)?.s32(),
  };
}

function nestedOrEmpty(attributes: Attributes | undefined, type: number): Attributes {
  return attributes?.get(type)?.nested() ?? new Map();
}

function decodeAddressGeneration(attributes: Attributes): AddressGeneration | undefined {
  const families = attributes.get(linkAttribute.familySettings)?.nested();
  const mode = families?.get(addressFamily.inet6)?.nested().get(addressGenerationAttribute)?.u8();
  return mode === undefined ? undefined : addressGenerations[mode];
}
