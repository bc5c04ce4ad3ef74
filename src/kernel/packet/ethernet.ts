/** Ethernet frames (IEEE 802.3, RFC 894): two addresses, what is carried, and the payload. */
import { bytesToMac, type MacAddress, macToBytes } from "../../address/mac.ts";

/** ETH_P_* (linux/if_ether.h) */
export const etherType = {
  /** ETH_P_ARP */ arp: 0x0806,
  /** ETH_P_IPV6 */ ipv6: 0x86dd,
} as const;

/** Bytes in front of the payload. */
export const ethernetHeaderLength = 14;

export interface EthernetFrame {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Everybody on the link. */
export const broadcastMac = bytesToMac(new Uint8Array(6).fill(0xff));

/** The bytes of a frame, without check sequence. */
export function encodeEthernet({ destination, source, type, payload }: EthernetFrame): Uint8Array {
  const frame = Buffer.alloc(ethernetHeaderLength + payload.length);
  frame.set(macToBytes(destination), 0);
  frame.set(macToBytes(source), 6);
  frame.writeUInt16BE(type, 12);
  frame.set(payload, ethernetHeaderLength);
  return frame;
}

/** Reads a frame; undefined where the bytes are too few. */
export function decodeEthernet(frame: Uint8Array): EthernetFrame | undefined {
  if (frame.length < ethernetHeaderLength) return undefined;
  return {
    destination: bytesToMac(frame.subarray(0, 6)),
    source: bytesToMac(frame.subarray(6, 12)),
    type: new DataView(frame.buffer, frame.byteOffset).getUint16(12),
    payload: frame.subarray(ethernetHeaderLength),
  };
}
