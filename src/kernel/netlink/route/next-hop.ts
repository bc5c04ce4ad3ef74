/** Gateways of a route: the only one, or several with weights (RTA_MULTIPATH; linux/rtnetlink.h, struct rtnexthop). */
import { type Family, familyOf, type IpAddress, ipToBytes } from "../../../address/ip.ts";
import { Attribute, type Attributes, AttributeWriter, malformed } from "../attribute.ts";
import { attributesAfter, familyNumber, familyOfNumber, readIp } from "./rtnetlink.ts";

const attribute = {
  /** RTA_GATEWAY */ gateway: 5,
  /** RTA_VIA: a gateway of another family, struct rtvia. */ via: 18,
} as const;

/** RTNH_F_* flags. */
export const nextHopFlag = {
  /** RTNH_F_ONLINK: the gateway is on the link although no address says so. */ onLink: 4,
} as const;

/** Bytes of struct rtnexthop. */
const headerLength = 8;

/** One of several ways of a route. */
export interface NextHop {
  readonly gateway?: IpAddress | undefined;
  /** Index of the outgoing link. */
  readonly link?: number | undefined;
  /** 1 to 256: its share among the ways; 1 where absent. */
  readonly weight?: number | undefined;
  readonly onLink?: boolean | undefined;
}

/** Adds a gateway for a route of `family`. */
export function writeGateway(writer: AttributeWriter, gateway: IpAddress, family: Family): void {
  const gatewayFamily = familyOf(gateway);
  const bytes = ipToBytes(gateway);
  if (gatewayFamily === family) {
    writer.bytes(attribute.gateway, bytes);
    return;
  }
  const via = Buffer.alloc(2 + bytes.length);
  via.writeUInt16LE(familyNumber(gatewayFamily), 0);
  via.set(bytes, 2);
  writer.bytes(attribute.via, via);
}

/** Reads the gateway of a route of `family`; a gateway of a family that is no IP counts as none. */
export function readGateway(attributes: Attributes, family: Family): IpAddress | undefined {
  const gateway = attributes.get(attribute.gateway);
  if (gateway !== undefined) return readIp(gateway, family);
  const via = attributes.get(attribute.via);
  if (via === undefined) return undefined;
  const viaFamily = familyOfNumber(via.u16());
  return viaFamily && readIp(new Attribute(via.type, via.value.subarray(2)), viaFamily);
}

/** The value of RTA_MULTIPATH. */
export function encodeNextHops(nextHops: readonly NextHop[], family: Family): Uint8Array {
  return Buffer.concat(
    nextHops.map((hop) => {
      const header = Buffer.alloc(headerLength);
      header[2] = hop.onLink ? nextHopFlag.onLink : 0;
      header[3] = (hop.weight ?? 1) - 1;
      header.writeInt32LE(hop.link ?? 0, 4);
      const writer = new AttributeWriter(64).raw(header);
      if (hop.gateway !== undefined) writeGateway(writer, hop.gateway, family);
      const bytes = Buffer.from(writer.finish());
      bytes.writeUInt16LE(bytes.length, 0);
      return bytes;
    }),
  );
}

/** Reads the value of RTA_MULTIPATH; throws `kernel` on a length that does not fit. */
export function decodeNextHops(bytes: Buffer, family: Family): readonly NextHop[] {
  const nextHops: NextHop[] = [];
  let at = 0;
  while (bytes.length - at >= headerLength) {
    const length = bytes.readUInt16LE(at);
    if (length < headerLength || at + length > bytes.length) {
      throw malformed(`next hop at offset ${at} claims ${length} of ${bytes.length - at} bytes`);
    }
    const hop = bytes.subarray(at, at + length);
    const link = hop.readInt32LE(4);
    nextHops.push({
      gateway: readGateway(attributesAfter(hop, headerLength), family),
      link: link === 0 ? undefined : link,
      weight: hop.readUInt8(3) + 1,
      onLink: (hop.readUInt8(2) & nextHopFlag.onLink) !== 0,
    });
    at += (length + 3) & ~3;
  }
  return nextHops;
}
