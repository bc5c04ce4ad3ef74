/** The fixed structure and the attribute types of link messages, which a veth's peer description repeats inside its own attribute. */
import { addressFamily, readHeader } from "./rtnetlink.ts";

/** IFLA_* attribute types (linux/if_link.h). */
export const linkAttribute = {
  /** IFLA_ADDRESS: hardware address. */ address: 1,
  /** IFLA_IFNAME */ name: 3,
  /** IFLA_MTU */ mtu: 4,
  /** IFLA_LINK: index of the link this one stands on; of a veth, its peer. */ link: 5,
  /** IFLA_QDISC: kind of the root queueing discipline. */ qdisc: 6,
  /** IFLA_MASTER */ master: 10,
  /** IFLA_TXQLEN */ transmitQueue: 13,
  /** IFLA_LINKINFO: kind and its data. */ info: 18,
  /** IFLA_IFALIAS */ alias: 20,
  /** IFLA_STATS64: counters. */ statistics: 23,
  /** IFLA_AF_SPEC: per-family settings. */ familySettings: 26,
  /** IFLA_GROUP */ group: 27,
  /** IFLA_NET_NS_FD */ namespaceDescriptor: 28,
  /** IFLA_EXT_MASK */ extendedMask: 29,
  /** IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES */ transmitQueues: 31,
  receiveQueues: 32,
  /** IFLA_LINK_NETNSID: id of the namespace in which IFLA_LINK counts. */ linkNamespaceId: 37,
} as const;

/** IFF_* (linux/if.h) that can be set. */
const settableFlags = {
  /** IFF_UP: administratively up. */ up: 0x1,
  /** IFF_PROMISC: takes in frames for anybody. */ promiscuous: 0x100,
  /** IFF_ALLMULTI: takes in frames for any group. */ allMulticast: 0x200,
} as const;

type FlagName = keyof typeof settableFlags;
const flagNames = Object.keys(settableFlags) as FlagName[]; // The object literal above has no other keys.

/** Flags to set or to clear; absent ones stay as they are. */
export type LinkFlags = { readonly [Name in FlagName]?: boolean | undefined };

/** Whether a flag is among IFF_* flags. */
export const hasFlag = (flags: number, name: FlagName): boolean => (flags & settableFlags[name]) !== 0;

/** Bytes of struct ifinfomsg. */
export const linkHeaderLength = 16;

/** The parts of struct ifinfomsg that are in use. */
export interface LinkHeader {
  /** AF_* */
  readonly family: number;
  /** 0: none, or not known. */
  readonly index: number;
  /** IFF_* */
  readonly flags: number;
}

/** struct ifinfomsg; flags that are not given stay as they are (ifi_change). */
export function encodeLinkHeader(
  index: number,
  flags: LinkFlags = {},
  family: number = addressFamily.unspecified,
): Uint8Array {
  const header = Buffer.alloc(linkHeaderLength);
  header[0] = family;
  // ifi_type, 2 bytes at 2, is the kernel's to say.
  header.writeInt32LE(index, 4);
  let [set, changed] = [0, 0];
  for (const name of flagNames) {
    const wanted = flags[name];
    if (wanted === undefined) continue;
    changed |= settableFlags[name];
    if (wanted) set |= settableFlags[name];
  }
  header.writeUInt32LE(set, 8);
  header.writeUInt32LE(changed, 12);
  return header;
}

/** Reads struct ifinfomsg; throws `kernel` where it is too short. */
export function decodeLinkHeader(bytes: Uint8Array): LinkHeader {
  const header = readHeader(bytes, linkHeaderLength);
  return { family: header.readUInt8(0), index: header.readInt32LE(4), flags: header.readUInt32LE(8) };
}
