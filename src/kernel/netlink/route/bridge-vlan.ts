/** VLANs of bridges and their ports: RTM_SETLINK and RTM_DELLINK with AF_BRIDGE (linux/if_bridge.h, IFLA_BRIDGE_*; man 8 bridge). */
import { AttributeWriter, malformed } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import { decodeLinkHeader, encodeLinkHeader, linkAttribute, linkHeaderLength } from "./link-header.ts";
import { addressFamily, attributesAfter, type MessageBody, routeMessage } from "./rtnetlink.ts";

/** IFLA_BRIDGE_*, inside IFLA_AF_SPEC. */
const attribute = {
  /** IFLA_BRIDGE_FLAGS: whom the message is for. */ flags: 0,
  /** IFLA_BRIDGE_VLAN_INFO: struct bridge_vlan_info, repeated. */ vlan: 2,
} as const;

/** BRIDGE_FLAGS_MASTER and BRIDGE_FLAGS_SELF: the bridge that the link is a port of, or the link itself. */
const [toMaster, toSelf] = [1, 2];
/** BRIDGE_VLAN_INFO_* */
const [pvidFlag, untaggedFlag, rowBegins, rowEnds] = [0x2, 0x4, 0x8, 0x10];
/** RTEXT_FILTER_BRVLAN: with VLANs, one by one. */
const withVlans = 2;
/** Bytes of struct bridge_vlan_info: flags and identifier. */
const vlanLength = 4;

/** A VLAN that a link of a bridge is a member of. */
export interface BridgeVlanInfo {
  /** 1 to 4094. */
  readonly id: number;
  /** Frames leave without their tag. */
  readonly untagged: boolean;
  /** Frames that come without a tag belong to it; a link has one such VLAN at most, and a new one takes it over. */
  readonly pvid: boolean;
}

/** A membership as a request names it. */
export interface BridgeVlanOptions extends BridgeVlanInfo {
  /** The last one of a row of VLANs that begins with `id`, of which none is `pvid`. */
  readonly last?: number | undefined;
  /** Index of the link. */
  readonly link: number;
  /** The link is the bridge itself, not one of its ports. */
  readonly self?: boolean | undefined;
}

/** Makes a link a member of a VLAN, or another kind of member. */
export const setBridgeVlan = (vlan: BridgeVlanOptions): NetlinkMessage => request(routeMessage.setLink, vlan);

/** Ends a membership; refused with ENOENT where there is none, EOPNOTSUPP where the link is no port of a bridge. */
export const deleteBridgeVlan = (vlan: BridgeVlanOptions): NetlinkMessage => request(routeMessage.deleteLink, vlan);

function request(type: number, { link, self, id, last = id, untagged, pvid }: BridgeVlanOptions): NetlinkMessage {
  const flags = (pvid ? pvidFlag : 0) | (untagged ? untaggedFlag : 0);
  const writer = new AttributeWriter(64).raw(encodeLinkHeader(link, {}, addressFamily.bridge));
  writer.nested(linkAttribute.familySettings, (bridge) => {
    bridge.u16(attribute.flags, self ? toSelf : toMaster);
    if (last === id) bridge.bytes(attribute.vlan, encodeInfo(flags, id));
    else {
      bridge.bytes(attribute.vlan, encodeInfo(flags | rowBegins, id));
      bridge.bytes(attribute.vlan, encodeInfo(flags | rowEnds, last));
    }
  });
  return { type, flags: 0, body: writer.finish() };
}

function encodeInfo(flags: number, id: number): Uint8Array {
  const info = Buffer.alloc(vlanLength);
  info.writeUInt16LE(flags, 0);
  info.writeUInt16LE(id, 2);
  return info;
}

/** Asks for the VLANs of all bridges and their ports. */
export function dumpBridgeVlans(): NetlinkMessage {
  const writer = new AttributeWriter(32).raw(encodeLinkHeader(0, {}, addressFamily.bridge));
  writer.u32(linkAttribute.extendedMask, withVlans);
  return { type: routeMessage.getLink, flags: 0, body: writer.finish() };
}

/** Reads the VLANs of one link; undefined for what AF_BRIDGE does not tell. Throws `kernel` on malformed bytes. */
export function decodeBridgeVlans(
  message: MessageBody,
): { readonly link: number; readonly vlans: readonly BridgeVlanInfo[] } | undefined {
  const { family, index } = decodeLinkHeader(message.body);
  if (family !== addressFamily.bridge) return undefined;
  const told = attributesAfter(message.body, linkHeaderLength).get(linkAttribute.familySettings)?.list() ?? [];
  const vlans = told
    .filter(({ type }) => type === attribute.vlan)
    .map(({ value }) => {
      if (value.length < vlanLength) throw malformed(`a VLAN of a bridge has ${value.length} bytes, not ${vlanLength}`);
      const flags = value.readUInt16LE(0);
      return { id: value.readUInt16LE(2), untagged: (flags & untaggedFlag) !== 0, pvid: (flags & pvidFlag) !== 0 };
    });
  return { link: index, vlans };
}
