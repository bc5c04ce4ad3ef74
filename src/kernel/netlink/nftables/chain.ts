/** Chains (enum nft_chain_attributes), regular ones and base chains that hang on a hook. */
import type { AttributeWriter } from "../attribute.ts";
import type { NetlinkMessage, ReceivedMessage } from "../message.ts";
import { createExclusively, nftAnswer, nftMessage, nftRequest, type TableFamily } from "./message.ts";
import { numberOf, required } from "./values.ts";

/** enum nf_inet_hooks, by number. */
const hooks = ["prerouting", "input", "forward", "output", "postrouting", "ingress"] as const;
/** NF_DROP, NF_ACCEPT. */
const policies = ["drop", "accept"] as const;

/** Where a base chain hangs. */
export interface BaseChain {
  readonly type: string;
  readonly hook: (typeof hooks)[number];
  /** Lower runs earlier. */
  readonly priority: number;
  readonly policy: (typeof policies)[number];
}

export interface Chain {
  readonly table: string;
  readonly name: string;
  readonly base?: BaseChain;
}

/** NFTA_CHAIN_* and NFTA_HOOK_* */
const attribute = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;
const hookAttribute = { number: 1, priority: 2 } as const;

/** Makes a chain; refused with EEXIST where there is one of that name. */
export function newChain(chain: Chain, family?: TableFamily): NetlinkMessage {
  const write = (writer: AttributeWriter): void => {
    writer.string(attribute.table, chain.table).string(attribute.name, chain.name);
    const { base } = chain;
    if (base === undefined) return;
    writer.nested(attribute.hook, () => {
      writer.be32(hookAttribute.number, numberOf(hooks, base.hook)).be32(hookAttribute.priority, base.priority);
    });
    writer.be32(attribute.policy, numberOf(policies, base.policy)).string(attribute.type, base.type);
  };
  return nftRequest(nftMessage.newChain, createExclusively, write, family);
}

/** Changes the policy of a base chain; nothing else of a chain can change. */
export function setChainPolicy(chain: Chain, policy: BaseChain["policy"], family?: TableFamily): NetlinkMessage {
  const write = (writer: AttributeWriter): void => {
    writer.string(attribute.table, chain.table).string(attribute.name, chain.name);
    writer.be32(attribute.policy, numberOf(policies, policy));
  };
  return nftRequest(nftMessage.newChain, 0, write, family);
}

/** Deletes a chain with its rules; refused with EBUSY where a rule or element still jumps to it. */
export function deleteChain(table: string, name: string, family?: TableFamily): NetlinkMessage {
  const write = (writer: AttributeWriter): unknown =>
    writer.string(attribute.table, table).string(attribute.name, name);
  return nftRequest(nftMessage.deleteChain, 0, write, family);
}

/** Asks, as a dump, for the chains of a table, or of all tables of a family. */
export function getChains(table?: string, family?: TableFamily): NetlinkMessage {
  const write = (writer: AttributeWriter): unknown => table !== undefined && writer.string(attribute.table, table);
  return nftRequest(nftMessage.getChain, 0, write, family);
}

/** The chain in an answer; undefined for another message. The hook `ingress` is only seen on others' chains. */
export function decodeChain(message: ReceivedMessage, family?: TableFamily): Chain | undefined {
  const attributes = nftAnswer(message, nftMessage.newChain, family);
  if (attributes === undefined) return undefined;
  const table = required(attributes, attribute.table).string();
  const name = required(attributes, attribute.name).string();
  const hookData = attributes.get(attribute.hook)?.nested();
  if (hookData === undefined) return { table, name };
  const hook = hooks[required(hookData, hookAttribute.number).be32()];
  const policy = policies[attributes.get(attribute.policy)?.be32() ?? numberOf(policies, "accept")];
  if (hook === undefined || policy === undefined) return { table, name };
  const priority = required(hookData, hookAttribute.priority).be32() | 0;
  const type = attributes.get(attribute.type)?.string() ?? "filter";
  return { table, name, base: { type, hook, priority, policy } };
}
