/** The fixed structure, attribute types, states and flags that neighbour and FDB entries share (linux/neighbour.h). */
import { readHeader } from "./rtnetlink.ts";

/** NDA_* attribute types. */
export const neighbourAttribute = {
  /** NDA_DST: the neighbour's address, or the VTEP of an FDB entry. */ destination: 1,
  /** NDA_LLADDR */ mac: 2,
  /** NDA_VLAN */ vlan: 5,
  /** NDA_PORT: UDP port of the VTEP, big-endian. */ port: 6,
  /** NDA_VNI */ vni: 7,
  /** NDA_IFINDEX: in a dump request, the link asked about. */ link: 8,
  /** NDA_MASTER */ master: 9,
  /** NDA_PROTOCOL: who made it. */ protocol: 12,
} as const;

/** NUD_* states, as bits. */
export const neighbourState = {
  /** NUD_INCOMPLETE: being asked for. */ incomplete: 0x01,
  /** NUD_REACHABLE */ reachable: 0x02,
  /** NUD_STALE */ stale: 0x04,
  /** NUD_DELAY */ delay: 0x08,
  /** NUD_PROBE */ probe: 0x10,
  /** NUD_FAILED */ failed: 0x20,
  /** NUD_NOARP: never asked for; of an FDB entry, static. */ noArp: 0x40,
  /** NUD_PERMANENT: never forgotten; of a bridge's FDB entry, the bridge's own address. */ permanent: 0x80,
} as const;

/** NTF_* flags. */
export const neighbourFlag = {
  /** NTF_SELF: in the table of the link itself. */ self: 0x02,
  /** NTF_MASTER: in the table of the link's bridge. */ master: 0x04,
  /** NTF_PROXY: we answer for it. */ proxy: 0x08,
  /** NTF_EXT_LEARNED: learned by someone other than the kernel. */ externallyLearned: 0x10,
  /** NTF_OFFLOADED */ offloaded: 0x20,
  /** NTF_STICKY: does not move to another port. */ sticky: 0x40,
  /** NTF_ROUTER */ router: 0x80,
} as const;

/** Bytes of struct ndmsg. */
export const neighbourHeaderLength = 12;

/** The parts of struct ndmsg that are in use. */
export interface NeighbourHeader {
  /** AF_* */
  readonly family: number;
  /** Index of the link. */
  readonly link: number;
  /** NUD_* */
  readonly state: number;
  /** NTF_* */
  readonly flags: number;
}

/** struct ndmsg. */
export function encodeNeighbourHeader(parts: NeighbourHeader): Uint8Array {
  const header = Buffer.alloc(neighbourHeaderLength);
  header[0] = parts.family;
  header.writeInt32LE(parts.link, 4);
  header.writeUInt16LE(parts.state, 8);
  header[10] = parts.flags;
  // ndm_type at 11 is the kernel's to say.
  return header;
}

/** Reads struct ndmsg; throws `kernel` where it is too short. */
export function decodeNeighbourHeader(bytes: Uint8Array): NeighbourHeader {
  const header = readHeader(bytes, neighbourHeaderLength);
  return {
    family: header.readUInt8(0),
    link: header.readInt32LE(4),
    state: header.readUInt16LE(8),
    flags: header.readUInt8(10),
  };
}
