/** ARP for IPv4 over Ethernet (RFC 826), and the two uses of it that ask and tell about one's own address (RFC 5227). */
import { bytesToIp, type Ipv4Address, ipToBytes } from "../../address/ip.ts";
import { bytesToMac, type MacAddress, macToBytes } from "../../address/mac.ts";
import { broadcastMac, encodeEthernet, etherType } from "./ethernet.ts";

/** Ethernet (1), IPv4, and the lengths of their addresses. */
const format = Buffer.from([0, 1, 8, 0, 6, 4]);
/** Bytes of a packet. */
const packetLength = 28;
/** ares_op$REQUEST and ares_op$REPLY */
const operations = { request: 1, reply: 2 } as const;

const nobody = "00:00:00:00:00:00" as MacAddress; // six octets, if none that parseMac takes
const unspecified = "0.0.0.0" as Ipv4Address;

export interface ArpPacket {
  readonly operation: keyof typeof operations;
  readonly senderMac: MacAddress;
  readonly senderIp: Ipv4Address;
  readonly targetMac: MacAddress;
  readonly targetIp: Ipv4Address;
}

/** The bytes of a packet, without Ethernet header. */
export function encodeArp({ operation, senderMac, senderIp, targetMac, targetIp }: ArpPacket): Uint8Array {
  const packet = Buffer.alloc(packetLength);
  packet.set(format, 0);
  packet.writeUInt16BE(operations[operation], 6);
  packet.set(macToBytes(senderMac), 8);
  packet.set(ipToBytes(senderIp), 14);
  packet.set(macToBytes(targetMac), 18);
  packet.set(ipToBytes(targetIp), 24);
  return packet;
}

/** Reads a packet; undefined for any that is no request or reply of IPv4 over Ethernet. */
export function decodeArp(bytes: Uint8Array): ArpPacket | undefined {
  if (bytes.length < packetLength || Buffer.compare(bytes.subarray(0, 6), format) !== 0) return undefined;
  const number = new DataView(bytes.buffer, bytes.byteOffset).getUint16(6);
  if (number !== operations.request && number !== operations.reply) return undefined;
  return {
    operation: number === operations.request ? "request" : "reply",
    senderMac: bytesToMac(bytes.subarray(8, 14)),
    senderIp: bytesToIp(bytes.subarray(14, 18)) as Ipv4Address, // of four bytes
    targetMac: bytesToMac(bytes.subarray(18, 24)),
    targetIp: bytesToIp(bytes.subarray(24, 28)) as Ipv4Address,
  };
}

const request = (senderMac: MacAddress, senderIp: Ipv4Address, targetIp: Ipv4Address): Uint8Array =>
  encodeEthernet({
    destination: broadcastMac,
    source: senderMac,
    type: etherType.arp,
    payload: encodeArp({ operation: "request", senderMac, senderIp, targetMac: nobody, targetIp }),
  });

/** A frame that tells everybody who has an address from now on: an ARP Announcement (RFC 5227 §2.3), or gratuitous ARP. */
export const arpAnnouncement = (mac: MacAddress, address: Ipv4Address): Uint8Array => request(mac, address, address);

/** A frame that asks whether anybody has an address, and fills nobody's table: an ARP Probe (RFC 5227 §2.1.1). */
export const arpProbe = (mac: MacAddress, address: Ipv4Address): Uint8Array => request(mac, unspecified, address);

/** Who, in an ARP packet, has an address or is about to take it (RFC 5227 §2.1.1); undefined where nobody does. */
export function arpClaim(bytes: Uint8Array, address: Ipv4Address): MacAddress | undefined {
  const packet = decodeArp(bytes);
  if (packet === undefined) return undefined;
  const { senderMac, senderIp, targetIp, operation } = packet;
  const probes = operation === "request" && senderIp === unspecified && targetIp === address;
  return senderIp === address || probes ? senderMac : undefined;
}
