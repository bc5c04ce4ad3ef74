/** The generation of the ruleset (enum nft_gen_attributes): a number that every committed transaction raises. */
import { readAttributes } from "../attribute.ts";
import type { NetlinkMessage, ReceivedMessage } from "../message.ts";
import { nftMessage, nftRequest } from "./message.ts";
import { required } from "./values.ts";

/** NFTA_GEN_ID, NFTA_GEN_PROC_PID, NFTA_GEN_PROC_NAME */
const attribute = { id: 1, processId: 2, processName: 3 } as const;
const headerLength = 4;

/** What a transaction made of the ruleset, or an answer to {@link getGeneration}. */
export interface Generation {
  readonly id: number;
  /** Who committed or, in an answer, who asks: process id in the first namespace, and the process's own name for itself (15 bytes of it). */
  readonly process?: { readonly pid: number; readonly name: string };
}

/** Asks for the generation. */
export function getGeneration(): NetlinkMessage {
  return nftRequest(nftMessage.getGeneration, 0, () => {});
}

/** The generation in an answer or notification (whose family is unspecified); undefined for another message. */
export function decodeGeneration(message: ReceivedMessage): Generation | undefined {
  if (message.type !== nftMessage.newGeneration) return undefined;
  const attributes = readAttributes(message.body.subarray(headerLength));
  const pid = attributes.get(attribute.processId)?.be32();
  const name = attributes.get(attribute.processName)?.string();
  return {
    id: required(attributes, attribute.id).be32(),
    ...(pid !== undefined && name !== undefined && { process: { pid, name } }),
  };
}
