/** Addresses on links (rtnetlink RTM_*ADDR; linux/if_addr.h, struct ifaddrmsg). */
import { addressOf, type InterfaceAddress, interfaceAddress, lengthOf } from "../../../address/cidr.ts";
import { type Family, familyOf, type IpAddress, type Ipv4Address, ipToBytes } from "../../../address/ip.ts";
import { AttributeWriter, malformed } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import {
  attributesAfter,
  type CreateMode,
  createFlags,
  familyNumber,
  familyOfNumber,
  type MessageBody,
  readHeader,
  readIp,
  routeMessage,
} from "./rtnetlink.ts";
import { type Scope, scopeName, scopeNumber } from "./scope.ts";

/** IFA_* attribute types. */
const attribute = {
  /** IFA_ADDRESS: the peer on a point-to-point link, otherwise the same as IFA_LOCAL; IPv6's only one. */ address: 1,
  /** IFA_LOCAL */ local: 2,
  /** IFA_LABEL */ label: 3,
  /** IFA_BROADCAST */ broadcast: 4,
  /** IFA_FLAGS: 32 bits, of which the header has the low 8. */ flags: 8,
  /** IFA_PROTO: who made it; since Linux 5.18. */ protocol: 11,
} as const;

/** IFA_F_* flags of an address. */
export const addressFlag = {
  /** IFA_F_SECONDARY */ secondary: 0x01,
  /** IFA_F_NODAD: no duplicate address detection. */ noDuplicateDetection: 0x02,
  /** IFA_F_DADFAILED: someone else on the link has it. */ duplicate: 0x08,
  /** IFA_F_TENTATIVE: duplicate address detection goes on. */ tentative: 0x40,
  /** IFA_F_PERMANENT: no lifetime. */ permanent: 0x80,
  /** IFA_F_NOPREFIXROUTE: no route to the subnet comes with it. */ noPrefixRoute: 0x200,
} as const;

/** Bytes of struct ifaddrmsg. */
const headerLength = 8;

/** An address to put on a link or to take from it. */
export interface AddressOptions {
  /** Index of the link. */
  readonly link: number;
  readonly address: InterfaceAddress;
  /** The other end's address on a point-to-point link; the prefix length counts for it. */
  readonly peer?: IpAddress | undefined;
  readonly broadcast?: Ipv4Address | undefined;
  /** Absent: "universe"; for IPv6 the kernel goes by the address. */
  readonly scope?: Scope | undefined;
  /** {@link addressFlag}s. */
  readonly flags?: number | undefined;
  /** Who made it, a number as for routes. */
  readonly protocol?: number | undefined;
}

/** An address as the kernel tells it. */
export interface AddressInfo {
  /** Index of the link. */
  readonly link: number;
  readonly address: InterfaceAddress;
  /** The other end's address, where it is not the same. */
  readonly peer: IpAddress | undefined;
  readonly broadcast: IpAddress | undefined;
  readonly scope: Scope;
  /** {@link addressFlag}s. */
  readonly flags: number;
  readonly label: string | undefined;
  readonly protocol: number | undefined;
}

function encodeHeader(family: number, prefixLength: number, flags: number, scope: number, link: number): Uint8Array {
  const header = Buffer.alloc(headerLength);
  header[0] = family;
  header[1] = prefixLength;
  header[2] = flags & 0xff;
  header[3] = scope;
  header.writeUInt32LE(link, 4);
  return header;
}

/** Puts an address on a link. */
export function createAddress(options: AddressOptions, mode: CreateMode = "exclusive"): NetlinkMessage {
  return { type: routeMessage.newAddress, flags: createFlags[mode], body: encodeAddress(options) };
}

/** Takes an address from a link; the kernel goes by link, address, prefix length and peer alone. */
export function deleteAddress(options: AddressOptions): NetlinkMessage {
  return { type: routeMessage.deleteAddress, flags: 0, body: encodeAddress(options) };
}

/** Asks for all addresses, or those of one family, or of one link. */
export function dumpAddresses(filter: { readonly family?: Family; readonly link?: number } = {}): NetlinkMessage {
  const family = filter.family === undefined ? 0 : familyNumber(filter.family);
  return { type: routeMessage.getAddress, flags: 0, body: encodeHeader(family, 0, 0, 0, filter.link ?? 0) };
}

function encodeAddress(options: AddressOptions): Uint8Array {
  const { peer, broadcast, protocol, flags = 0 } = options;
  const local = addressOf(options.address);
  const localBytes = ipToBytes(local);
  const scope = scopeNumber(options.scope ?? "universe");
  const family = familyNumber(familyOf(local));
  const writer = new AttributeWriter(64)
    .raw(encodeHeader(family, lengthOf(options.address), flags, scope, options.link))
    .bytes(attribute.address, peer === undefined ? localBytes : ipToBytes(peer))
    .bytes(attribute.local, localBytes);
  if (broadcast !== undefined) writer.bytes(attribute.broadcast, ipToBytes(broadcast));
  if (flags !== 0) writer.u32(attribute.flags, flags);
  if (protocol !== undefined) writer.u8(attribute.protocol, protocol);
  return writer.finish();
}

/** Reads an address; undefined for other families than IPv4 and IPv6. Throws `kernel` on malformed bytes. */
export function decodeAddress(message: MessageBody): AddressInfo | undefined {
  const header = readHeader(message.body, headerLength);
  const family = familyOfNumber(header.readUInt8(0));
  if (family === undefined) return undefined;
  const attributes = attributesAfter(message.body, headerLength);
  const remote = attributes.get(attribute.address);
  const local = attributes.get(attribute.local) ?? remote;
  if (local === undefined) throw malformed("an address message without address");
  const address = readIp(local, family);
  const peer = remote && readIp(remote, family);
  const broadcast = attributes.get(attribute.broadcast);
  return {
    link: header.readUInt32LE(4),
    address: interfaceAddress(address, header.readUInt8(1)),
    peer: peer === address ? undefined : peer,
    broadcast: broadcast && readIp(broadcast, family),
    scope: scopeName(header.readUInt8(3)),
    flags: attributes.get(attribute.flags)?.u32() ?? header.readUInt8(2),
    label: attributes.get(attribute.label)?.string(),
    protocol: attributes.get(attribute.protocol)?.u8(),
  };
}
