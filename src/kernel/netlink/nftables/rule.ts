/** Rules (enum nft_rule_attributes). Only the kernel knows a rule's handle; it counts up in a table and is never given twice. */
import type { AttributeWriter } from "../attribute.ts";
import { messageFlag, type NetlinkMessage, type ReceivedMessage } from "../message.ts";
import { type Expression, readExpressions, writeExpressions } from "./expressions.ts";
import { nftAnswer, nftMessage, nftRequest, type TableFamily } from "./message.ts";
import { commentType, decodeComment, encodeComment } from "./userdata.ts";
import { required } from "./values.ts";

export interface Rule {
  readonly table: string;
  readonly chain: string;
  readonly comment?: string;
  readonly expressions: readonly Expression[];
}

/** A rule that the kernel has. */
export interface InstalledRule extends Rule {
  readonly handle: bigint;
}

/** NFTA_RULE_* */
const attribute = {
  table: 1,
  chain: 2,
  handle: 3,
  expressions: 4,
  position: 6,
  userData: 7,
  id: 9,
  positionId: 10,
} as const;

/** Where a new rule goes, and how later messages of its transaction may call it. */
export interface RulePlace {
  /** Right before a rule that is there (its handle), or one made earlier in the same transaction, or all of them; absent: at the end of the chain. */
  readonly before?: { readonly handle: bigint } | { readonly id: number } | "all";
  /** A number of the caller's, unique among the rules that the transaction makes. */
  readonly id?: number;
}

/** Adds a rule to its chain. */
export function newRule(rule: Rule, { before, id }: RulePlace = {}, family?: TableFamily): NetlinkMessage {
  const flags = messageFlag.create | (before === undefined ? messageFlag.append : 0);
  const write = (writer: AttributeWriter): void => {
    writer.string(attribute.table, rule.table).string(attribute.chain, rule.chain);
    if (typeof before === "object" && "handle" in before) writer.be64(attribute.position, before.handle);
    if (typeof before === "object" && "id" in before) writer.be32(attribute.positionId, before.id);
    if (id !== undefined) writer.be32(attribute.id, id);
    writeExpressions(writer, attribute.expressions, rule.expressions);
    if (rule.comment !== undefined) writer.bytes(attribute.userData, encodeComment(commentType.rule, rule.comment));
  };
  return nftRequest(nftMessage.newRule, flags, write, family);
}

/** Deletes the rule with that handle. */
export function deleteRule(table: string, chain: string, handle: bigint, family?: TableFamily): NetlinkMessage {
  const write = (writer: AttributeWriter): void => {
    writer.string(attribute.table, table).string(attribute.chain, chain).be64(attribute.handle, handle);
  };
  return nftRequest(nftMessage.deleteRule, 0, write, family);
}

/** Asks, as a dump, for the rules of a table, or of one chain; they come in their order. */
export function getRules(table: string, chain?: string, family?: TableFamily): NetlinkMessage {
  const write = (writer: AttributeWriter): void => {
    writer.string(attribute.table, table);
    if (chain !== undefined) writer.string(attribute.chain, chain);
  };
  return nftRequest(nftMessage.getRule, 0, write, family);
}

/** Which chain of family inet a rule came into or went from, as the kernel tells of it; undefined for another message. */
export function movedRule(
  message: ReceivedMessage,
): { readonly table: string; readonly chain: string; readonly moved: "added" | "deleted" } | undefined {
  const added = nftAnswer(message, nftMessage.newRule);
  const attributes = added ?? nftAnswer(message, nftMessage.deleteRule);
  if (attributes === undefined) return undefined;
  const table = required(attributes, attribute.table).string();
  const chain = required(attributes, attribute.chain).string();
  return { table, chain, moved: added === undefined ? "deleted" : "added" };
}

/** The rule in an answer; undefined for another message. */
export function decodeRule(message: ReceivedMessage, family?: TableFamily): InstalledRule | undefined {
  const attributes = nftAnswer(message, nftMessage.newRule, family);
  if (attributes === undefined) return undefined;
  const userData = attributes.get(attribute.userData);
  const comment = userData && decodeComment(commentType.rule, userData.value);
  const expressions = attributes.get(attribute.expressions);
  return {
    table: required(attributes, attribute.table).string(),
    chain: required(attributes, attribute.chain).string(),
    handle: required(attributes, attribute.handle).be64(),
    ...(comment !== undefined && { comment }),
    expressions: expressions ? readExpressions(expressions) : [],
  };
}
