/** Neighbour discovery of IPv6 (RFC 4861): the solicitation that looks for duplicates and the advertisement that nobody asked for, in whole frames. */
import { bytesToIp, type Ipv6Address, ipToBytes } from "../../address/ip.ts";
import { bytesToMac, type MacAddress, macToBytes } from "../../address/mac.ts";
import { encodeEthernet, etherType } from "./ethernet.ts";

/** ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT (netinet/icmp6.h) */
const types = { solicitation: 135, advertisement: 136 } as const;
/** IPPROTO_ICMPV6 */
const icmp6 = 58;
/** A router would have lowered it: a packet that has it comes from the link (RFC 4861 §7.1). */
const hopLimit = 255;
/** ND_NA_FLAG_OVERRIDE: the new address replaces the one in the neighbours' tables. */
const override = 0x20;
/** ND_OPT_TARGET_LINKADDR */
const targetLinkAddress = 2;

const ipHeaderLength = 40;
/** Type, code, checksum, flags, and the target. */
const messageLength = 24;

const unspecified = "::" as Ipv6Address;
const allNodes = "ff02::1" as Ipv6Address;

/** A message about the target address. */
export interface NeighbourMessage {
  readonly type: keyof typeof types;
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly target: Ipv6Address;
  /** Of the target, in an advertisement. */
  readonly targetMac?: MacAddress;
}

/** The one's complement sum of RFC 1071 over the pseudo header of RFC 8200 §8.1 and the message. */
function checksum(source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  let sum = message.length + icmp6;
  for (const part of [source, destination, message])
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The bytes of an IPv6 packet with the message. */
export function encodeNeighbourMessage(said: NeighbourMessage): Uint8Array {
  const { type, targetMac } = said;
  const [source, destination] = [ipToBytes(said.source), ipToBytes(said.destination)];
  const length = messageLength + (targetMac === undefined ? 0 : 8);
  const packet = Buffer.alloc(ipHeaderLength + length);
  packet.writeUInt32BE(0x6000_0000, 0);
  packet.writeUInt16BE(length, 4);
  packet.writeUInt8(icmp6, 6);
  packet.writeUInt8(hopLimit, 7);
  packet.set(source, 8);
  packet.set(destination, 24);
  const message = packet.subarray(ipHeaderLength);
  message.writeUInt8(types[type], 0);
  if (type === "advertisement") message.writeUInt8(override, 4);
  message.set(ipToBytes(said.target), 8);
  if (targetMac !== undefined) {
    message.writeUInt8(targetLinkAddress, messageLength);
    message.writeUInt8(1, messageLength + 1); // in eights of bytes
    message.set(macToBytes(targetMac), messageLength + 2);
  }
  message.writeUInt16BE(checksum(source, destination, message), 2);
  return packet;
}

/** Reads an IPv6 packet; undefined for any that is no valid solicitation or advertisement (RFC 4861 §7.1). */
export function decodeNeighbourMessage(bytes: Uint8Array): NeighbourMessage | undefined {
  if (bytes.length < ipHeaderLength + messageLength) return undefined;
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = packet.readUInt16BE(4);
  if (packet.readUInt8(0) >>> 4 !== 6 || packet.readUInt8(6) !== icmp6 || packet.readUInt8(7) !== hopLimit)
    return undefined;
  if (length < messageLength || packet.length < ipHeaderLength + length) return undefined;
  const message = packet.subarray(ipHeaderLength, ipHeaderLength + length);
  const [source, destination] = [packet.subarray(8, 24), packet.subarray(24, 40)];
  const number = message.readUInt8(0);
  if ((number !== types.solicitation && number !== types.advertisement) || message.readUInt8(1) !== 0) return undefined;
  if (checksum(source, destination, message) !== 0) return undefined;
  const options = readOptions(message.subarray(messageLength));
  if (options === undefined) return undefined;
  const mac = options.get(targetLinkAddress);
  return {
    type: number === types.solicitation ? "solicitation" : "advertisement",
    source: bytesToIp(source) as Ipv6Address, // of sixteen bytes, as the two after it
    destination: bytesToIp(destination) as Ipv6Address,
    target: bytesToIp(message.subarray(8, messageLength)) as Ipv6Address,
    ...(mac?.length === 6 && { targetMac: bytesToMac(mac) }),
  };
}

/** Options by type; undefined where one has no length (RFC 4861 §4.6) or is cut short. */
function readOptions(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> | undefined {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    const [type = 0, eights = 0] = bytes.subarray(at, at + 2);
    const end = at + eights * 8;
    if (eights === 0 || end > bytes.length) return undefined;
    options.set(type, bytes.subarray(at + 2, end));
    at = end;
  }
  return options;
}

/** The Ethernet address of a multicast group: 33:33 and the last four bytes (RFC 2464 §7). */
const multicastMac = (group: Uint8Array): MacAddress =>
  bytesToMac(Uint8Array.from([0x33, 0x33, ...group.subarray(12, 16)]));

/** The group that those with an address like this listen to (RFC 4291 §2.7.1). */
function solicitedNode(address: Ipv6Address): Uint8Array {
  const group = Uint8Array.from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0]);
  group.set(ipToBytes(address).subarray(13), 13);
  return group;
}

function frame(mac: MacAddress, message: NeighbourMessage): Uint8Array {
  const destination = multicastMac(ipToBytes(message.destination));
  return encodeEthernet({ destination, source: mac, type: etherType.ipv6, payload: encodeNeighbourMessage(message) });
}

/** A frame that tells everybody who has an address from now on: an unsolicited advertisement (RFC 4861 §7.2.6). */
export const neighbourAnnouncement = (mac: MacAddress, address: Ipv6Address): Uint8Array =>
  frame(mac, { type: "advertisement", source: address, destination: allNodes, target: address, targetMac: mac });

/** A frame that asks whether anybody has an address, and fills nobody's table (RFC 4862 §5.4.2). */
export const neighbourProbe = (mac: MacAddress, address: Ipv6Address): Uint8Array =>
  frame(mac, {
    type: "solicitation",
    source: unspecified,
    destination: bytesToIp(solicitedNode(address)) as Ipv6Address, // of sixteen bytes
    target: address,
  });

/** Who, in a message from `sender`, has an address or is about to take it (RFC 4862 §5.4.3, §5.4.4); undefined where nobody does. */
export function neighbourClaim(bytes: Uint8Array, sender: MacAddress, address: Ipv6Address): MacAddress | undefined {
  const message = decodeNeighbourMessage(bytes);
  if (message?.target !== address) return undefined;
  if (message.type === "advertisement") return message.targetMac ?? sender;
  return message.source === unspecified ? sender : undefined;
}
