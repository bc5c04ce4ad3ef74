/** Policy rules: which packets go by which routing table (rtnetlink RTM_*RULE; linux/fib_rules.h, struct fib_rule_hdr). */
import { addressOf, lengthOf, type Subnet } from "../../../address/cidr.ts";
import { type Family, ipToBytes } from "../../../address/ip.ts";
import { type Attributes, AttributeWriter } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import {
  attributesAfter,
  createFlags,
  familyNumber,
  familyOfNumber,
  type MessageBody,
  readHeader,
  readSubnet,
  routeMessage,
} from "./rtnetlink.ts";

/** FRA_* attribute types. */
const attribute = {
  /** FRA_DST */ to: 1,
  /** FRA_SRC */ from: 2,
  /** FRA_IIFNAME */ inputLink: 3,
  /** FRA_PRIORITY */ priority: 6,
  /** FRA_FWMARK */ mark: 10,
  /** FRA_SUPPRESS_PREFIXLEN */ suppressPrefixLength: 14,
  /** FRA_TABLE */ table: 15,
  /** FRA_FWMASK */ markMask: 16,
  /** FRA_OIFNAME */ outputLink: 17,
  /** FRA_PROTOCOL */ protocol: 21,
} as const;

/** FR_ACT_* actions, by value. */
const actions = [
  "unspecified",
  "table",
  "goto",
  "nop",
  "reserved-4",
  "reserved-5",
  "blackhole",
  "unreachable",
  "prohibit",
] as const;
/** What a rule does with the packets it is for. */
export type RuleAction = (typeof actions)[number];

/** FIB_RULE_INVERT: the rule is for all packets but those described. */
const invertFlag = 2;

/** Bytes of struct fib_rule_hdr. */
const headerLength = 12;

/** A rule to make or to remove. */
export interface RuleOptions {
  readonly family: Family;
  /** Lower is asked first (FRA_PRIORITY). */
  readonly priority: number;
  /** "table" where absent. */
  readonly action?: RuleAction | undefined;
  /** Table to look up. */
  readonly table?: number | undefined;
  readonly invert?: boolean | undefined;
  readonly from?: Subnet | undefined;
  readonly to?: Subnet | undefined;
  /** Name of the link the packet came by; "lo" for packets of this machine. */
  readonly inputLink?: string | undefined;
  /** Name of the link the socket is bound to. */
  readonly outputLink?: string | undefined;
  /** Firewall mark: (mark of the packet & mask) equals value. */
  readonly mark?: { readonly value: number; readonly mask: number } | undefined;
  /** Routes found with a prefix of this length or shorter do not count. */
  readonly suppressPrefixLength?: number | undefined;
  /** Who made it, a number as for routes; in a deletion, absent or 0 means any. */
  readonly protocol?: number | undefined;
}

/** A rule as the kernel tells it. */
export interface RuleInfo {
  readonly family: Family;
  readonly priority: number;
  readonly action: RuleAction;
  /** 0 where the action is another. */
  readonly table: number;
  readonly invert: boolean;
  readonly from: Subnet | undefined;
  readonly to: Subnet | undefined;
  readonly inputLink: string | undefined;
  readonly outputLink: string | undefined;
  readonly mark: { readonly value: number; readonly mask: number } | undefined;
  readonly suppressPrefixLength: number | undefined;
  readonly protocol: number | undefined;
}

interface Header {
  readonly family: number;
  readonly toLength: number;
  readonly fromLength: number;
  /** The low 8 bits; FRA_TABLE has all of them. */
  readonly table: number;
  readonly action: number;
  readonly flags: number;
}

function encodeHeader(parts: Header): Uint8Array {
  const header = Buffer.alloc(headerLength);
  header[0] = parts.family;
  header[1] = parts.toLength;
  header[2] = parts.fromLength;
  // tos at 3 and two reserved bytes at 5 stay 0.
  header[4] = parts.table > 255 ? 0 : parts.table;
  header[7] = parts.action;
  header.writeUInt32LE(parts.flags, 8);
  return header;
}

function decodeHeader(bytes: Uint8Array): Header {
  const header = readHeader(bytes, headerLength);
  return {
    family: header.readUInt8(0),
    toLength: header.readUInt8(1),
    fromLength: header.readUInt8(2),
    table: header.readUInt8(4),
    action: header.readUInt8(7),
    flags: header.readUInt32LE(8),
  };
}

/** Makes a rule; refused with EEXIST where the same one is there (the kernel would otherwise keep both). */
export function createRule(options: RuleOptions): NetlinkMessage {
  return { type: routeMessage.newRule, flags: createFlags.exclusive, body: encodeRule(options) };
}

/** Removes the first rule that agrees in all that is given. */
export function deleteRule(options: RuleOptions): NetlinkMessage {
  return { type: routeMessage.deleteRule, flags: 0, body: encodeRule(options) };
}

/** Asks for all rules of a family. */
export function dumpRules(family: Family): NetlinkMessage {
  const empty = { toLength: 0, fromLength: 0, table: 0, action: 0, flags: 0 };
  return { type: routeMessage.getRule, flags: 0, body: encodeHeader({ family: familyNumber(family), ...empty }) };
}

function encodeRule(options: RuleOptions): Uint8Array {
  const { from, to, inputLink, outputLink, mark, protocol, suppressPrefixLength, table = 0 } = options;
  const header = encodeHeader({
    family: familyNumber(options.family),
    toLength: to === undefined ? 0 : lengthOf(to),
    fromLength: from === undefined ? 0 : lengthOf(from),
    table,
    action: actions.indexOf(options.action ?? "table"),
    flags: options.invert ? invertFlag : 0,
  });
  const writer = new AttributeWriter(128).raw(header);
  if (to !== undefined) writer.bytes(attribute.to, ipToBytes(addressOf(to)));
  if (from !== undefined) writer.bytes(attribute.from, ipToBytes(addressOf(from)));
  if (inputLink !== undefined) writer.string(attribute.inputLink, inputLink);
  writer.u32(attribute.priority, options.priority);
  if (mark !== undefined) writer.u32(attribute.mark, mark.value);
  if (suppressPrefixLength !== undefined) writer.u32(attribute.suppressPrefixLength, suppressPrefixLength);
  if (table > 255) writer.u32(attribute.table, table);
  if (mark !== undefined) writer.u32(attribute.markMask, mark.mask);
  if (outputLink !== undefined) writer.string(attribute.outputLink, outputLink);
  if (protocol !== undefined) writer.u8(attribute.protocol, protocol);
  return writer.finish();
}

/** Reads a rule; undefined for other families than IPv4 and IPv6. Throws `kernel` on malformed bytes. */
export function decodeRule(message: MessageBody): RuleInfo | undefined {
  const header = decodeHeader(message.body);
  const family = familyOfNumber(header.family);
  if (family === undefined) return undefined;
  const attributes = attributesAfter(message.body, headerLength);
  return {
    family,
    priority: attributes.get(attribute.priority)?.u32() ?? 0,
    action: actions[header.action] ?? "unspecified",
    table: attributes.get(attribute.table)?.u32() ?? header.table,
    invert: (header.flags & invertFlag) !== 0,
    from: readSubnet(attributes.get(attribute.from), header.fromLength, family),
    to: readSubnet(attributes.get(attribute.to), header.toLength, family),
    inputLink: attributes.get(attribute.inputLink)?.string(),
    outputLink: attributes.get(attribute.outputLink)?.string(),
    mark: readMark(attributes),
    suppressPrefixLength: readSuppressPrefixLength(attributes),
    protocol: attributes.get(attribute.protocol)?.u8(),
  };
}

/** The kernel tells a mark that is not zero, and a mask where either is set (fib_nl_fill_rule). */
function readMark(attributes: Attributes): RuleInfo["mark"] {
  const [value, mask] = [attributes.get(attribute.mark)?.u32(), attributes.get(attribute.markMask)?.u32()];
  return value === undefined && mask === undefined ? undefined : { value: value ?? 0, mask: mask ?? 0xffffffff };
}

/** The kernel always tells it: all ones for none. */
function readSuppressPrefixLength(attributes: Attributes): number | undefined {
  const length = attributes.get(attribute.suppressPrefixLength)?.u32();
  return length === 0xffffffff ? undefined : length;
}
