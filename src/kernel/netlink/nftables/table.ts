/** Tables (enum nft_table_attributes). */
import type { AttributeWriter } from "../attribute.ts";
import { messageFlag, type NetlinkMessage, type ReceivedMessage } from "../message.ts";
import { createExclusively, nftAnswer, nftMessage, nftRequest, type TableFamily } from "./message.ts";
import { commentType, decodeComment, encodeComment } from "./userdata.ts";
import { required } from "./values.ts";

export interface Table {
  readonly name: string;
  readonly comment?: string;
  /** Belongs to the socket that makes it: nobody else can change it or flush it away, and it goes when the socket is closed (NFT_TABLE_F_OWNER, Linux 5.12). */
  readonly owned?: boolean;
  /** One that is owned stays when its socket is closed, and is then anybody's (NFT_TABLE_F_PERSIST, Linux 6.9). */
  readonly persistent?: boolean;
}

/** NFT_TABLE_F_OWNER */
const ownerFlag = 2;
/** NFT_TABLE_F_PERSIST */
const persistFlag = 4;

/** NFTA_TABLE_* */
const attribute = { name: 1, flags: 2, userData: 6 } as const;

/** Makes a table; refused with EEXIST where there is one of that name. */
export function newTable(table: Table, family?: TableFamily): NetlinkMessage {
  return put(table, createExclusively, family);
}

/** Makes a table that is owned, or takes over one that nobody owns any more; refused with EPERM where somebody does. */
export function adoptTable(table: Table): NetlinkMessage {
  return put(table, messageFlag.create);
}

function put(table: Table, flags: number, family?: TableFamily): NetlinkMessage {
  const kind = (table.owned ? ownerFlag : 0) | (table.persistent ? persistFlag : 0);
  const write = (writer: AttributeWriter): void => {
    writer.string(attribute.name, table.name).be32(attribute.flags, kind);
    if (table.comment !== undefined) writer.bytes(attribute.userData, encodeComment(commentType.table, table.comment));
  };
  return nftRequest(nftMessage.newTable, flags, write, family);
}

/** Deletes a table with all that is in it. */
export function deleteTable(name: string, family?: TableFamily): NetlinkMessage {
  return nftRequest(nftMessage.deleteTable, 0, (writer) => writer.string(attribute.name, name), family);
}

/** Asks for one table; without a name, as a dump, for all of a family. */
export function getTable(name?: string, family?: TableFamily): NetlinkMessage {
  const write = (writer: AttributeWriter): unknown => name !== undefined && writer.string(attribute.name, name);
  return nftRequest(nftMessage.getTable, 0, write, family);
}

/** The table in an answer; undefined for another message. */
export function decodeTable(message: ReceivedMessage, family?: TableFamily): Table | undefined {
  const attributes = nftAnswer(message, nftMessage.newTable, family);
  if (attributes === undefined) return undefined;
  const userData = attributes.get(attribute.userData);
  const comment = userData && decodeComment(commentType.table, userData.value);
  const flags = attributes.get(attribute.flags)?.be32() ?? 0;
  return {
    name: required(attributes, attribute.name).string(),
    ...(comment !== undefined && { comment }),
    ...((flags & ownerFlag) !== 0 && { owned: true }),
    ...((flags & persistFlag) !== 0 && { persistent: true }),
  };
}
