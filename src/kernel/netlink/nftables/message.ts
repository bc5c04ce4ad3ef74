/**
 * nfnetlink messages of the nftables subsystem (linux/netfilter/nfnetlink.h, struct nfgenmsg): one byte family, one byte version,
 * 16 bits of resource id, then attributes. Objects of the engine's own are of the family inet, but for what is done to frames on bridges.
 */
import { type Attributes, AttributeWriter, malformed, readAttributes } from "../attribute.ts";
import { messageFlag, type NetlinkMessage, type ReceivedMessage } from "../message.ts";

/** NFNL_SUBSYS_NFTABLES */
const subsystem = 10;

/** NFT_MSG_*, with the subsystem in the upper byte. */
export const nftMessage = {
  newTable: (subsystem << 8) | 0,
  getTable: (subsystem << 8) | 1,
  deleteTable: (subsystem << 8) | 2,
  newChain: (subsystem << 8) | 3,
  getChain: (subsystem << 8) | 4,
  deleteChain: (subsystem << 8) | 5,
  newRule: (subsystem << 8) | 6,
  getRule: (subsystem << 8) | 7,
  deleteRule: (subsystem << 8) | 8,
  newSet: (subsystem << 8) | 9,
  getSet: (subsystem << 8) | 10,
  deleteSet: (subsystem << 8) | 11,
  newElement: (subsystem << 8) | 12,
  getElement: (subsystem << 8) | 13,
  deleteElement: (subsystem << 8) | 14,
  newGeneration: (subsystem << 8) | 15,
  getGeneration: (subsystem << 8) | 16,
} as const;

/** NFNLGRP_NFTABLES: every change of the ruleset, and its generation behind those of one transaction. */
export const rulesetGroup = 7;

/** NFTA_TABLE_NAME, and NFTA_*_TABLE of all that is in a table. */
const tableAttribute = 1;

/** Families of tables (NFPROTO_*). */
const familyNumbers = { inet: 1, ip: 2, bridge: 7, ip6: 10 } as const;
export type TableFamily = keyof typeof familyNumbers;
/** Those that see routed packets. */
export const routedFamilies: readonly TableFamily[] = ["inet", "ip", "ip6"];
const headerLength = 4;

/** NLM_F_CREATE | NLM_F_EXCL: make it, and fail where it is already there. */
export const createExclusively = messageFlag.create | messageFlag.exclusive;

/** A message of a family, inet where none is given. */
export function nftRequest(
  type: number,
  flags: number,
  write: (writer: AttributeWriter) => void,
  family: TableFamily = "inet",
): NetlinkMessage {
  const writer = new AttributeWriter().raw(Uint8Array.of(familyNumbers[family], 0, 0, 0));
  write(writer);
  return { type, flags, body: writer.finish() };
}

/** The attributes of a received message of that type; undefined for another type or family. Throws `kernel` where it is malformed. */
export function nftAnswer(
  message: ReceivedMessage,
  type: number,
  family: TableFamily = "inet",
): Attributes | undefined {
  if (message.body.length < headerLength) throw malformed("a struct nfgenmsg has 4 bytes");
  if (message.type !== type || message.body[0] !== familyNumbers[family]) return undefined;
  return readAttributes(message.body.subarray(headerLength));
}

const ownFamilies: ReadonlySet<number | undefined> = new Set([familyNumbers.inet, familyNumbers.bridge]);

/** Name of the table of family inet or bridge that a message of the subsystem is about; undefined for any other message. */
export function tableOf({ type, body }: ReceivedMessage): string | undefined {
  if (type >> 8 !== subsystem || body.length < headerLength || !ownFamilies.has(body[0])) return undefined;
  return readAttributes(body.subarray(headerLength)).get(tableAttribute)?.string();
}
