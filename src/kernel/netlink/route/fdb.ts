/** Forwarding entries of bridges and VXLAN links: RTM_*NEIGH with AF_BRIDGE (linux/neighbour.h, struct ndmsg; man 8 bridge). */
import { bytesToIp, type IpAddress, ipToBytes } from "../../../address/ip.ts";
import { bytesToMac, type MacAddress, macToBytes } from "../../../address/mac.ts";
import { type Attribute, AttributeWriter, malformed } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import {
  decodeNeighbourHeader,
  encodeNeighbourHeader,
  neighbourAttribute,
  neighbourFlag,
  neighbourHeaderLength,
  neighbourState,
} from "./neighbour-header.ts";
import {
  addressFamily,
  attributesAfter,
  type CreateMode,
  createFlags,
  type MessageBody,
  routeMessage,
} from "./rtnetlink.ts";

/**
 * An FDB entry to make or to remove. The kernel keeps no protocol number with it: whose it is follows from the link, or from the table it is
 * known to belong to.
 */
export interface ForwardingOptions {
  /** Index of the bridge port, bridge or VXLAN link. */
  readonly link: number;
  readonly mac: MacAddress;
  /** "master": in the table of the bridge the link is a port of; "self": in the link's own, as for VXLAN. */
  readonly table: "self" | "master";
  /** {@link neighbourState}; absent: NUD_NOARP, outside a bridge's table NUD_PERMANENT too, as `bridge fdb` does. */
  readonly state?: number | undefined;
  /** Remote VTEP of a VXLAN link's entry. */
  readonly destination?: IpAddress | undefined;
  readonly vlan?: number | undefined;
  /** UDP port of the remote VTEP, host order; the link's where absent. */
  readonly port?: number | undefined;
  /** VNI of the remote VTEP; the link's where absent. */
  readonly vni?: number | undefined;
}

/** An FDB entry as the kernel tells it. */
export interface ForwardingInfo {
  readonly link: number;
  readonly mac: MacAddress;
  /** {@link neighbourState} */
  readonly state: number;
  /** {@link neighbourFlag}s; `self` says that it stands in the link's own table. */
  readonly flags: number;
  readonly destination: IpAddress | undefined;
  readonly vlan: number | undefined;
  /** Host order. */
  readonly port: number | undefined;
  readonly vni: number | undefined;
  /** Index of the bridge in whose table it is. */
  readonly master: number | undefined;
}

/** Makes an FDB entry; with "append" a VXLAN entry gets one more VTEP. */
export function createForwarding(options: ForwardingOptions, mode: CreateMode = "exclusive"): NetlinkMessage {
  return { type: routeMessage.newNeighbour, flags: createFlags[mode], body: encodeForwarding(options) };
}

/** Removes an FDB entry; where `destination` is given, only that VTEP. */
export function deleteForwarding(options: ForwardingOptions): NetlinkMessage {
  return { type: routeMessage.deleteNeighbour, flags: 0, body: encodeForwarding(options) };
}

/** Asks for all FDB entries, or those of one link, or those of a bridge and its ports. */
export function dumpForwarding(filter: { readonly link?: number; readonly bridge?: number } = {}): NetlinkMessage {
  const header = encodeNeighbourHeader({ family: addressFamily.bridge, link: 0, state: 0, flags: 0 });
  const writer = new AttributeWriter(32).raw(header);
  if (filter.link !== undefined) writer.u32(neighbourAttribute.link, filter.link);
  if (filter.bridge !== undefined) writer.u32(neighbourAttribute.master, filter.bridge);
  return { type: routeMessage.getNeighbour, flags: 0, body: writer.finish() };
}

function encodeForwarding(options: ForwardingOptions): Uint8Array {
  const { destination, vlan, port, vni } = options;
  const master = options.table === "master";
  const header = encodeNeighbourHeader({
    family: addressFamily.bridge,
    link: options.link,
    state: options.state ?? neighbourState.noArp | (master ? 0 : neighbourState.permanent),
    flags: master ? neighbourFlag.master : neighbourFlag.self,
  });
  const writer = new AttributeWriter(64).raw(header);
  if (destination !== undefined) writer.bytes(neighbourAttribute.destination, ipToBytes(destination));
  writer.bytes(neighbourAttribute.mac, macToBytes(options.mac));
  if (vlan !== undefined) writer.u16(neighbourAttribute.vlan, vlan);
  if (port !== undefined) writer.be16(neighbourAttribute.port, port);
  if (vni !== undefined) writer.u32(neighbourAttribute.vni, vni);
  return writer.finish();
}

/** Reads an FDB entry; undefined for other families than AF_BRIDGE. Throws `kernel` on malformed bytes. */
export function decodeForwarding(message: MessageBody): ForwardingInfo | undefined {
  const header = decodeNeighbourHeader(message.body);
  if (header.family !== addressFamily.bridge) return undefined;
  const attributes = attributesAfter(message.body, neighbourHeaderLength);
  const mac = attributes.get(neighbourAttribute.mac);
  if (mac?.value.length !== 6) return undefined;
  const destination = attributes.get(neighbourAttribute.destination);
  return {
    link: header.link,
    mac: bytesToMac(mac.value),
    state: header.state,
    flags: header.flags,
    destination: destination && readVtep(destination),
    vlan: attributes.get(neighbourAttribute.vlan)?.u16(),
    port: attributes.get(neighbourAttribute.port)?.be16(),
    vni: attributes.get(neighbourAttribute.vni)?.u32(),
    master: attributes.get(neighbourAttribute.master)?.u32(),
  };
}

/** The family of a VTEP is said by nothing but its length. */
function readVtep(attribute: Attribute): IpAddress {
  const { length } = attribute.value;
  if (length !== 4 && length !== 16) throw malformed(`an FDB entry's destination has ${length} bytes`);
  return bytesToIp(attribute.value);
}
