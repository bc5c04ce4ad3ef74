/** The generation of the ruleset (enum nft_gen_attributes): a number that every committed transaction raises. */
import { readAttributes } from "../attribute.ts";
import type { NetlinkMessage, ReceivedMessage } from "../message.ts";
import { nftMessage, nftRequest } from "./message.ts";

/** NFTA_GEN_ID */
const idAttribute = 1;
const headerLength = 4;

/** Asks for the generation. */
export function getGeneration(): NetlinkMessage {
  return nftRequest(nftMessage.getGeneration, 0, () => {});
}

/** The generation in an answer (whose family is unspecified); undefined for another message. */
export function decodeGeneration(message: ReceivedMessage): number | undefined {
  if (message.type !== nftMessage.newGeneration) return undefined;
  return readAttributes(message.body.subarray(headerLength)).get(idAttribute)?.be32();
}
