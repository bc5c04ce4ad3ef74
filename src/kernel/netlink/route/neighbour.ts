/** ARP and neighbour discovery entries (rtnetlink RTM_*NEIGH; linux/neighbour.h, struct ndmsg). */
import { type Family, familyOf, type IpAddress, ipToBytes } from "../../../address/ip.ts";
import { bytesToMac, type MacAddress, macToBytes } from "../../../address/mac.ts";
import { AttributeWriter } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import {
  decodeNeighbourHeader,
  encodeNeighbourHeader,
  neighbourAttribute,
  neighbourHeaderLength,
  neighbourState,
} from "./neighbour-header.ts";
import {
  attributesAfter,
  type CreateMode,
  createFlags,
  familyNumber,
  familyOfNumber,
  type MessageBody,
  readIp,
  routeMessage,
} from "./rtnetlink.ts";

export { neighbourFlag, neighbourState } from "./neighbour-header.ts";

/** A neighbour entry to make or to remove. */
export interface NeighbourOptions {
  /** Index of the link. */
  readonly link: number;
  readonly address: IpAddress;
  /** Not needed in a deletion. */
  readonly mac?: MacAddress | undefined;
  /** {@link neighbourState}; permanent where absent. */
  readonly state?: number | undefined;
  /** {@link neighbourFlag}s. */
  readonly flags?: number | undefined;
  /** Who made it (NDA_PROTOCOL, since Linux 5.2), a number as for routes. */
  readonly protocol?: number | undefined;
}

/** A neighbour entry as the kernel tells it. */
export interface NeighbourInfo {
  readonly link: number;
  readonly address: IpAddress;
  /** Undefined while it is being asked for, or where the link has no Ethernet addresses. */
  readonly mac: MacAddress | undefined;
  /** {@link neighbourState} */
  readonly state: number;
  /** {@link neighbourFlag}s. */
  readonly flags: number;
  readonly protocol: number | undefined;
}

/** Makes a neighbour entry. */
export function createNeighbour(options: NeighbourOptions, mode: CreateMode = "exclusive"): NetlinkMessage {
  return { type: routeMessage.newNeighbour, flags: createFlags[mode], body: encodeNeighbour(options) };
}

/** Removes a neighbour entry; the kernel goes by link and address alone. */
export function deleteNeighbour(options: NeighbourOptions): NetlinkMessage {
  return { type: routeMessage.deleteNeighbour, flags: 0, body: encodeNeighbour(options) };
}

/** Asks for all neighbour entries of a family, or those of one link. */
export function dumpNeighbours(family: Family, filter: { readonly link?: number } = {}): NetlinkMessage {
  const header = encodeNeighbourHeader({ family: familyNumber(family), link: 0, state: 0, flags: 0 });
  const writer = new AttributeWriter(32).raw(header);
  if (filter.link !== undefined) writer.u32(neighbourAttribute.link, filter.link);
  return { type: routeMessage.getNeighbour, flags: 0, body: writer.finish() };
}

function encodeNeighbour(options: NeighbourOptions): Uint8Array {
  const { address, mac, protocol } = options;
  const header = encodeNeighbourHeader({
    family: familyNumber(familyOf(address)),
    link: options.link,
    state: options.state ?? neighbourState.permanent,
    flags: options.flags ?? 0,
  });
  const writer = new AttributeWriter(64).raw(header).bytes(neighbourAttribute.destination, ipToBytes(address));
  if (mac !== undefined) writer.bytes(neighbourAttribute.mac, macToBytes(mac));
  if (protocol !== undefined) writer.u8(neighbourAttribute.protocol, protocol);
  return writer.finish();
}

/** Reads a neighbour entry; undefined for other families than IPv4 and IPv6. Throws `kernel` on malformed bytes. */
export function decodeNeighbour(message: MessageBody): NeighbourInfo | undefined {
  const header = decodeNeighbourHeader(message.body);
  const family = familyOfNumber(header.family);
  const attributes = attributesAfter(message.body, neighbourHeaderLength);
  const destination = attributes.get(neighbourAttribute.destination);
  if (family === undefined || destination === undefined) return undefined;
  const mac = attributes.get(neighbourAttribute.mac);
  return {
    link: header.link,
    address: readIp(destination, family),
    mac: mac?.value.length === 6 ? bytesToMac(mac.value) : undefined,
    state: header.state,
    flags: header.flags,
    protocol: attributes.get(neighbourAttribute.protocol)?.u8(),
  };
}
