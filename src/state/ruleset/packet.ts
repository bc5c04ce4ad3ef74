/** A packet that nobody sends: the first of a connection, as far as rules can know it. What it leaves open, only a real one would tell. */
import type { Family } from "../../address/ip.ts";
import type { Expression } from "../../kernel/netlink/nftables/expressions.ts";
import { bytesToHex, type Hex } from "../../kernel/netlink/nftables/values.ts";

export interface TrialPacket {
  readonly hook: "prerouting" | "forward";
  readonly family: Family;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Names of links; {@link outside} is the one that the default route leads over. */
  readonly input: string;
  readonly output?: string;
  /** Destination port; absent: any. */
  readonly port?: number;
  /** Its destination was translated (ct status dnat). */
  readonly translated: boolean;
  /** It is addressed to this host. */
  readonly local: boolean;
}

/** Stands for the link of the family's default route, or where there is none for one that no rule names. */
export const outside = "";

/** Indexes of links by name, as far as there are such links. */
export type LinkIndexes = (name: string) => number | undefined;

const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;
/** NFPROTO_* and ETH_P_* */
const families = { 4: { number: 2, etherType: 0x0800 }, 6: { number: 10, etherType: 0x86dd } } as const;
/** IFNAMSIZ */
const linkNameLength = 16;
/** NF_CT_STATE_BIT(IP_CT_NEW) */
export const stateNew = 8;
/** IPS_DST_NAT */
export const statusTranslated = 0x20;
/** RTN_UNICAST, RTN_LOCAL */
const addressTypes = { unicast: 1, local: 2 } as const;
/** Where the protocol stands in an IP header, and the destination port in those behind it. */
const protocolOffset = { 4: 9, 6: 6 } as const;
const destinationPortOffset = 2;

const hexByte = (value: number): Hex => bytesToHex(Uint8Array.of(value));

function host32(value: number): Hex {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytesToHex(bytes);
}

function network16(value: number): Hex {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytesToHex(bytes);
}

/** A link's name as it stands in registers. */
function nameHex(name: string): Hex {
  const bytes = Buffer.alloc(linkNameLength);
  bytes.write(name, 0, linkNameLength - 1);
  return bytesToHex(bytes);
}

/** The type of its destination (RTN_*). */
export const destinationType = ({ local }: TrialPacket): number => (local ? addressTypes.local : addressTypes.unicast);

type Load = Extract<Expression, { type: "meta" | "payload" | "ct" | "fib" }>;

/** What an expression loads of the packet; undefined where the packet leaves it open. */
export function loaded(packet: TrialPacket, expression: Load, indexOf: LinkIndexes): Hex | undefined {
  switch (expression.type) {
    case "meta":
      return metaOf(packet, expression.key, indexOf);
    case "payload":
      return payloadOf(packet, expression);
    case "ct":
      if (expression.key === "state") return host32(stateNew);
      if (expression.key === "status") return host32(packet.translated ? statusTranslated : 0);
      return expression.key === "direction" ? hexByte(0) : undefined;
    case "fib": {
      const { flags, result } = expression;
      const asksDestination = flags.length === 1 && flags[0] === "daddr" && result === "type";
      return asksDestination ? host32(destinationType(packet)) : undefined;
    }
  }
}

function metaOf(
  { family, protocol, input, output }: TrialPacket,
  key: Extract<Load, { type: "meta" }>["key"],
  indexOf: LinkIndexes,
): Hex | undefined {
  switch (key) {
    case "iifname":
      return nameHex(input);
    case "oifname":
      return output === undefined ? undefined : nameHex(output);
    case "iif":
    case "oif": {
      const name = key === "iif" ? input : output;
      const index = name === undefined ? undefined : indexOf(name);
      return index === undefined ? undefined : host32(index);
    }
    case "nfproto":
      return hexByte(families[family].number);
    case "protocol":
      return network16(families[family].etherType);
    case "l4proto":
      return hexByte(protocols[protocol]);
    default:
      return undefined;
  }
}

function payloadOf(
  { family, protocol, port }: TrialPacket,
  { base, offset, length }: Extract<Load, { type: "payload" }>,
): Hex | undefined {
  if (base === "network" && offset === protocolOffset[family] && length === 1) return hexByte(protocols[protocol]);
  const isPort = base === "transport" && offset === destinationPortOffset && length === 2;
  return isPort && port !== undefined ? network16(port) : undefined;
}
