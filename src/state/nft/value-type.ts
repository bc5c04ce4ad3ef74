/**
 * Types of values in registers, set keys and map data: how a value in text becomes bytes and back. Names, numbers and byte
 * orders are those of the nft tool (its enum datatypes), which reads them from the sets we make.
 */
import { bytesToIp, type Family, familyOf, ipToBytes, parseIp } from "../../address/ip.ts";
import { bytesToMac, macToBytes } from "../../address/mac.ts";
import { PortolanError } from "../../errors.ts";
import type { NftDataType } from "../nft-objects.ts";

/** Types of set keys and data, and those that only rules compare with. */
export type ValueType =
  | Exclude<NftDataType, "verdict">
  | "nf_proto"
  | "fib_addrtype"
  | "pkt_type"
  | "ct_dir"
  | "ct_state"
  | "ct_status"
  | "icmp_type"
  | "icmpv6_type"
  | "iface_index"
  | "boolean"
  | "integer";

export interface ValueCodec {
  /** nft's number of the type, the value of NFTA_SET_KEY_TYPE. */
  readonly number: number;
  /** Bytes. */
  readonly length: number;
  readonly byteOrder: "host" | "network";
  /** Throws `invalid-argument` for text that is no such value. */
  encode(text: string): Uint8Array;
  /** The canonical text. */
  decode(bytes: Uint8Array): string;
}

function refuse(type: string, text: string, advice: string): never {
  throw new PortolanError("invalid-argument", `"${text}" is no value of the nft type ${type}`, { advice });
}

function address(number: number, family: Family): ValueCodec {
  return {
    number,
    length: family === 4 ? 4 : 16,
    byteOrder: "network",
    encode(text) {
      const ip = parseIp(text);
      if (familyOf(ip) !== family) refuse(`ipv${family}_addr`, text, `give an IPv${family} address`);
      return ipToBytes(ip);
    },
    decode: bytesToIp,
  };
}

/** An unsigned number, or one of `names`; printed by name where it has one, else in base `radix`. */
function numeric(
  type: string,
  shape: Pick<ValueCodec, "number" | "length" | "byteOrder">,
  names: Readonly<Record<string, number>> = {},
  radix: 10 | 16 = 10,
): ValueCodec {
  const byNumber = new Map(Object.entries(names).map(([name, value]) => [value, name]));
  const limit = 2 ** (8 * shape.length);
  return {
    ...shape,
    encode(text) {
      const value = names[text] ?? (/^(0x[\da-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN);
      if (!(value < limit)) refuse(type, text, `give a number below ${limit}, or one of the names the type has`);
      const bytes = Buffer.alloc(shape.length);
      if (shape.byteOrder === "network") bytes.writeUIntBE(value, 0, shape.length);
      else bytes.writeUIntLE(value, 0, shape.length);
      return bytes;
    },
    decode(bytes) {
      const buffer = Buffer.from(bytes);
      const value =
        shape.byteOrder === "network" ? buffer.readUIntBE(0, shape.length) : buffer.readUIntLE(0, shape.length);
      return byNumber.get(value) ?? (radix === 16 ? `0x${value.toString(16)}` : String(value));
    },
  };
}

const interfaceNameLength = 16;

const interfaceName: ValueCodec = {
  number: 41,
  length: interfaceNameLength,
  byteOrder: "host",
  encode(text) {
    const bytes = Buffer.alloc(interfaceNameLength);
    if (text === "" || Buffer.byteLength(text) >= interfaceNameLength || /[\s/"*\0]/.test(text)) {
      refuse("ifname", text, "give a link name of 1 to 15 bytes without space, slash, asterisk or double quote");
    }
    bytes.write(text);
    return bytes;
  },
  decode(bytes) {
    const end = bytes.indexOf(0);
    return Buffer.from(bytes).toString("utf8", 0, end === -1 ? bytes.length : end);
  },
};

const hardwareAddress: ValueCodec = {
  number: 9,
  length: 6,
  byteOrder: "network",
  encode(text) {
    if (!/^([\da-f]{2}:){5}[\da-f]{2}$/i.test(text)) refuse("ether_addr", text, "give six octets parted by colons");
    return macToBytes(text.toLowerCase() as Parameters<typeof macToBytes>[0]); // checked on the line above; multicast is allowed here
  },
  decode: bytesToMac,
};

/** Names that the nft grammar itself knows, so that they are read where /etc/protocols is absent. */
const protocols = { icmp: 1, tcp: 6, udp: 17, dccp: 33, icmpv6: 58, sctp: 132, udplite: 136 };
/** enum rtn_type (linux/rtnetlink.h). */
const addressTypes = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
};
/** NF_CT_STATE_* bits (linux/netfilter/nf_conntrack_common.h). */
export const ctStates = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;
/** enum ip_conntrack_status bits. */
export const ctStatuses = {
  expected: 1,
  "seen-reply": 2,
  assured: 4,
  confirmed: 8,
  snat: 16,
  dnat: 32,
  dying: 512,
} as const;

export const valueTypes: Readonly<Record<ValueType, ValueCodec>> = {
  ipv4_addr: address(7, 4),
  ipv6_addr: address(8, 6),
  ether_addr: hardwareAddress,
  inet_proto: numeric("inet_proto", { number: 12, length: 1, byteOrder: "network" }, protocols),
  inet_service: numeric("inet_service", { number: 13, length: 2, byteOrder: "network" }),
  mark: numeric("mark", { number: 19, length: 4, byteOrder: "host" }, {}, 16),
  ifname: interfaceName,
  nf_proto: numeric("nf_proto", { number: 2, length: 1, byteOrder: "host" }, { ipv4: 2, ipv6: 10 }),
  fib_addrtype: numeric("fib_addrtype", { number: 38, length: 4, byteOrder: "host" }, addressTypes),
  pkt_type: numeric(
    "pkt_type",
    { number: 31, length: 1, byteOrder: "host" },
    { host: 0, broadcast: 1, multicast: 2, other: 3 },
  ),
  ct_dir: numeric("ct_dir", { number: 27, length: 1, byteOrder: "host" }, { original: 0, reply: 1 }),
  ct_state: numeric("ct_state", { number: 26, length: 4, byteOrder: "host" }, ctStates),
  ct_status: numeric("ct_status", { number: 28, length: 4, byteOrder: "host" }, ctStatuses),
  icmp_type: numeric(
    "icmp_type",
    { number: 14, length: 1, byteOrder: "network" },
    { "echo-reply": 0, "destination-unreachable": 3, "echo-request": 8, "time-exceeded": 11 },
  ),
  icmpv6_type: numeric(
    "icmpv6_type",
    { number: 29, length: 1, byteOrder: "network" },
    {
      "destination-unreachable": 1,
      "packet-too-big": 2,
      "time-exceeded": 3,
      "echo-request": 128,
      "echo-reply": 129,
      "nd-router-solicit": 133,
      "nd-router-advert": 134,
      "nd-neighbor-solicit": 135,
      "nd-neighbor-advert": 136,
    },
  ),
  iface_index: numeric("iface_index", { number: 20, length: 4, byteOrder: "host" }),
  boolean: numeric("boolean", { number: 39, length: 4, byteOrder: "host" }, { missing: 0, exists: 1 }),
  integer: numeric("integer", { number: 4, length: 4, byteOrder: "host" }),
};

/** `length` bytes with the first `bits` bits set. */
export function prefixMask(bits: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => {
    const kept = Math.min(8, Math.max(0, bits - 8 * index));
    return (0xff << (8 - kept)) & 0xff;
  });
}
