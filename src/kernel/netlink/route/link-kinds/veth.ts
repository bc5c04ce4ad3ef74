/** Virtual Ethernet pairs (linux/veth.h). */
import { bytesToMac, type MacAddress, macToBytes } from "../../../../address/mac.ts";
import type { Attribute } from "../../attribute.ts";
import { decodeLinkHeader, encodeLinkHeader, linkAttribute, linkHeaderLength } from "../link-header.ts";
import { attributesAfter } from "../rtnetlink.ts";
import type { LinkKindCodec } from "./kind.ts";

/** VETH_INFO_PEER: a struct ifinfomsg and IFLA_* attributes that describe the other end. */
const peerAttribute = 1;

/**
 * The other end of a pair as it is to be born. It cannot be born up: the kernel answers ENOTCONN, because the pair is not linked
 * yet at that moment.
 */
export interface VethPeer {
  readonly name: string;
  /** Chosen by the kernel where absent. */
  readonly index?: number | undefined;
  readonly mac?: MacAddress | undefined;
  /** Bytes. */
  readonly mtu?: number | undefined;
  /** How many queues it has in each direction; one for each processor where absent. */
  readonly queues?: number | undefined;
  /** IFLA_GROUP */
  readonly group?: number | undefined;
  /** Descriptor of the namespace it is born in; that of this end where absent (IFLA_NET_NS_FD). */
  readonly namespaceDescriptor?: number | undefined;
}

/** A veth end. The peer is given at creation only and never told by the kernel: see `link` and `linkNamespaceId` instead. */
export interface VethData {
  readonly kind: "veth";
  readonly peer?: VethPeer | undefined;
}

export const veth: LinkKindCodec<VethData> = {
  encode(writer, data) {
    const peer = data.peer;
    if (peer === undefined) return;
    writer.nested(peerAttribute, (inner) => {
      inner.raw(encodeLinkHeader(peer.index ?? 0));
      if (peer.mac !== undefined) inner.bytes(linkAttribute.address, macToBytes(peer.mac));
      inner.string(linkAttribute.name, peer.name);
      if (peer.mtu !== undefined) inner.u32(linkAttribute.mtu, peer.mtu);
      if (peer.queues !== undefined)
        inner.u32(linkAttribute.transmitQueues, peer.queues).u32(linkAttribute.receiveQueues, peer.queues);
      if (peer.group !== undefined) inner.u32(linkAttribute.group, peer.group);
      if (peer.namespaceDescriptor !== undefined) {
        inner.u32(linkAttribute.namespaceDescriptor, peer.namespaceDescriptor);
      }
    });
  },
  decode(attributes) {
    const peer = attributes.get(peerAttribute);
    return { kind: "veth", peer: peer && decodePeer(peer) };
  },
};

function decodePeer(peer: Attribute): VethPeer {
  const header = decodeLinkHeader(peer.value);
  const attributes = attributesAfter(peer.value, linkHeaderLength);
  const mac = attributes.get(linkAttribute.address);
  return {
    name: attributes.get(linkAttribute.name)?.string() ?? "",
    index: header.index === 0 ? undefined : header.index,
    mac: mac?.value.length === 6 ? bytesToMac(mac.value) : undefined,
    mtu: attributes.get(linkAttribute.mtu)?.u32(),
    queues: attributes.get(linkAttribute.transmitQueues)?.u32(),
    group: attributes.get(linkAttribute.group)?.u32(),
    namespaceDescriptor: attributes.get(linkAttribute.namespaceDescriptor)?.u32(),
  };
}
