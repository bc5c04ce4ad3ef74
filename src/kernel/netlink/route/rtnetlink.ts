/**
 * What all rtnetlink families share (linux/rtnetlink.h): message types, address families, how a request treats an object that
 * is already there, and the reading of a message's fixed structure and of address attributes.
 */
import { type Subnet, subnetOf } from "../../../address/cidr.ts";
import { bytesToIp, type Family, type IpAddress } from "../../../address/ip.ts";
import { type Attribute, type Attributes, malformed, readAttributes } from "../attribute.ts";
import { messageFlag } from "../message.ts";

/** RTM_* message types. */
export const routeMessage = {
  /** RTM_NEWLINK */ newLink: 16,
  /** RTM_DELLINK */ deleteLink: 17,
  /** RTM_GETLINK */ getLink: 18,
  /** RTM_SETLINK */ setLink: 19,
  /** RTM_NEWADDR */ newAddress: 20,
  /** RTM_DELADDR */ deleteAddress: 21,
  /** RTM_GETADDR */ getAddress: 22,
  /** RTM_NEWROUTE */ newRoute: 24,
  /** RTM_DELROUTE */ deleteRoute: 25,
  /** RTM_GETROUTE */ getRoute: 26,
  /** RTM_NEWNEIGH */ newNeighbour: 28,
  /** RTM_DELNEIGH */ deleteNeighbour: 29,
  /** RTM_GETNEIGH */ getNeighbour: 30,
  /** RTM_NEWRULE */ newRule: 32,
  /** RTM_DELRULE */ deleteRule: 33,
  /** RTM_GETRULE */ getRule: 34,
  /** RTM_NEWQDISC */ newQueue: 36,
  /** RTM_DELQDISC */ deleteQueue: 37,
  /** RTM_GETQDISC */ getQueue: 38,
  /** RTM_GETNSID */ getNamespaceId: 90,
} as const;

/** AF_* address families (linux/socket.h). */
export const addressFamily = {
  /** AF_UNSPEC */ unspecified: 0,
  /** AF_INET */ inet: 2,
  /** AF_BRIDGE */ bridge: 7,
  /** AF_INET6 */ inet6: 10,
} as const;

/** The AF_* number of an address family. */
export function familyNumber(family: Family): number {
  return family === 4 ? addressFamily.inet : addressFamily.inet6;
}

/** The address family of an AF_* number; undefined for any other than IPv4 and IPv6. */
export function familyOfNumber(number: number): Family | undefined {
  if (number === addressFamily.inet) return 4;
  return number === addressFamily.inet6 ? 6 : undefined;
}

/** How a creating request treats an object that is already there: fail with EEXIST, replace it, or stand beside it. */
export type CreateMode = "exclusive" | "replace" | "append";

/** NLM_F_* flags of each {@link CreateMode}. */
export const createFlags: Readonly<Record<CreateMode, number>> = {
  exclusive: messageFlag.create | messageFlag.exclusive,
  replace: messageFlag.create | messageFlag.replace,
  append: messageFlag.create | messageFlag.append,
};

/** A request or an answer, as far as decoders look at it. */
export interface MessageBody {
  readonly body: Uint8Array;
}

/** The fixed structure in front of a message, at least `length` bytes; throws `kernel` where it is shorter. */
export function readHeader(bytes: Uint8Array, length: number): Buffer {
  if (bytes.length < length) throw malformed(`a structure of ${length} bytes has only ${bytes.length}`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, length);
}

/** The attributes behind the fixed structure of `length` bytes, a multiple of 4. */
export function attributesAfter(bytes: Uint8Array, length: number): Attributes {
  return readAttributes(bytes.subarray(length));
}

/** An attribute's address, which must be of `family`; throws `kernel` for any other length. */
export function readIp(attribute: Attribute, family: Family): IpAddress {
  if (attribute.value.length !== (family === 4 ? 4 : 16)) {
    throw malformed(`attribute ${attribute.type} has ${attribute.value.length} bytes, not an IPv${family} address`);
  }
  return bytesToIp(attribute.value);
}

/**
 * The subnet whose prefix length stands in the fixed structure and whose address in an attribute, which the kernel leaves out for
 * 0.0.0.0 and ::; undefined where the length is 0. Throws `kernel` on a length no address of the family has.
 */
export function readSubnet(attribute: Attribute | undefined, length: number, family: Family): Subnet | undefined {
  if (length === 0) return undefined;
  if (length > (family === 4 ? 32 : 128)) throw malformed(`an IPv${family} prefix of ${length} bits`);
  const address =
    attribute === undefined ? bytesToIp(new Uint8Array(family === 4 ? 4 : 16)) : readIp(attribute, family);
  return subnetOf(address, length);
}
