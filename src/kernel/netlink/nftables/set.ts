/**
 * Sets and maps (enum nft_set_attributes). Types of keys and data are numbers that only the nft tool gives a meaning; the
 * kernel goes by lengths.
 */
import type { Attribute, AttributeWriter } from "../attribute.ts";
import type { NetlinkMessage, ReceivedMessage } from "../message.ts";
import { createExclusively, nftAnswer, nftMessage, nftRequest, type TableFamily } from "./message.ts";
import { encodeUserData } from "./userdata.ts";
import { required } from "./values.ts";

/** A type as the nft tool numbers it: a concatenation has six bits for each part, the first part uppermost. */
export interface SetType {
  readonly number: number;
  /** Bytes in registers, the parts of a concatenation each padded to 4. */
  readonly length: number;
  /** Of a lone value; nft needs it to print some types. */
  readonly byteOrder?: "host" | "network";
}

export interface NamedSet {
  readonly table: string;
  readonly name: string;
  readonly key: SetType;
  /** What a map gives. */
  readonly data?: SetType | "verdict";
  /** Elements are ranges. */
  readonly interval: boolean;
  /** Lengths in bytes of the parts of a concatenated key (needed where `interval`). */
  readonly fields?: readonly number[];
}

/** NFTA_SET_* and those nested in it. */
const attribute = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  dataType: 6,
  dataLength: 7,
  description: 9,
  id: 10,
  userData: 13,
} as const;
const descriptionAttribute = { concatenation: 2 } as const;
const listElement = 1;
const fieldLength = 1;

/** NFT_SET_* flags. */
const flag = { anonymous: 0x1, interval: 0x4, map: 0x8, object: 0x40, concatenation: 0x80 } as const;
/** NFT_DATA_VERDICT */
const verdictType = 0xffffff00;
/**
 * NFTA_SET_ID, by which rules of the same transaction may name a set. Ours name it by name, but the kernel insists on the
 * attribute; it may be the same for all.
 */
const unusedId = 1;

/** NFTNL_UDATA_SET_*, and nft's numbers for byte orders. */
const userDataType = { keyByteOrder: 0, dataByteOrder: 1 } as const;
const byteOrders = { host: 1, network: 2 } as const;

function byteOrderData(type: number, order: SetType["byteOrder"]) {
  if (order === undefined) return [];
  return [{ type, value: Uint8Array.of(byteOrders[order], 0, 0, 0) }]; // 32 bits in the machine's own order
}

/** Makes a set or map; refused with EEXIST where there is one of that name. */
export function newSet(set: NamedSet, family?: TableFamily): NetlinkMessage {
  const { key, data, fields = [] } = set;
  const ranges = set.interval && fields.length > 0;
  const flags =
    (set.interval ? flag.interval : 0) | (data !== undefined ? flag.map : 0) | (ranges ? flag.concatenation : 0);
  const write = (writer: AttributeWriter): void => {
    writer.string(attribute.table, set.table).string(attribute.name, set.name).be32(attribute.flags, flags);
    writer.be32(attribute.keyType, key.number).be32(attribute.keyLength, key.length);
    if (data === "verdict") writer.be32(attribute.dataType, verdictType).be32(attribute.dataLength, 0);
    else if (data) writer.be32(attribute.dataType, data.number).be32(attribute.dataLength, data.length);
    if (ranges) {
      writer.nested(attribute.description, () =>
        writer.nested(descriptionAttribute.concatenation, () => {
          for (const length of fields) writer.nested(listElement, () => writer.be32(fieldLength, length));
        }),
      );
    }
    writer.be32(attribute.id, unusedId);
    const userData = [
      ...byteOrderData(userDataType.keyByteOrder, key.byteOrder),
      ...byteOrderData(userDataType.dataByteOrder, data === "verdict" ? undefined : data?.byteOrder),
    ];
    if (userData.length > 0) writer.bytes(attribute.userData, encodeUserData(userData));
  };
  return nftRequest(nftMessage.newSet, createExclusively, write, family);
}

/** Deletes a set with its elements; refused with EBUSY where a rule still looks it up. */
export function deleteSet(table: string, name: string, family?: TableFamily): NetlinkMessage {
  const write = (writer: AttributeWriter): unknown =>
    writer.string(attribute.table, table).string(attribute.name, name);
  return nftRequest(nftMessage.deleteSet, 0, write, family);
}

/** Asks, as a dump, for the sets of a table. */
export function getSets(table: string, family?: TableFamily): NetlinkMessage {
  return nftRequest(nftMessage.getSet, 0, (writer) => writer.string(attribute.table, table), family);
}

/** A set of anybody's, as far as it is needed to read its elements. */
export interface SetShape {
  readonly table: string;
  readonly name: string;
  readonly interval: boolean;
  readonly concatenated: boolean;
}

/** The set in an answer, anonymous ones too; undefined for another message. */
export function decodeSetShape(message: ReceivedMessage, family: TableFamily): SetShape | undefined {
  const attributes = nftAnswer(message, nftMessage.newSet, family);
  if (attributes === undefined) return undefined;
  const flags = attributes.get(attribute.flags)?.be32() ?? 0;
  return {
    table: required(attributes, attribute.table).string(),
    name: required(attributes, attribute.name).string(),
    interval: (flags & flag.interval) !== 0,
    concatenated: readFields(attributes.get(attribute.description)).length > 0,
  };
}

function readFields(description: Attribute | undefined): readonly number[] {
  const fields = description?.nested().get(descriptionAttribute.concatenation)?.list() ?? [];
  return fields.map((field) => required(field.nested(), fieldLength).be32());
}

/** The set in an answer, byte orders left out; undefined for another message and for sets without a name of their own or of objects. */
export function decodeSet(message: ReceivedMessage, family?: TableFamily): NamedSet | undefined {
  const attributes = nftAnswer(message, nftMessage.newSet, family);
  if (attributes === undefined) return undefined;
  const flags = attributes.get(attribute.flags)?.be32() ?? 0;
  if (flags & (flag.anonymous | flag.object)) return undefined;
  const fields = readFields(attributes.get(attribute.description));
  return {
    table: required(attributes, attribute.table).string(),
    name: required(attributes, attribute.name).string(),
    key: {
      number: attributes.get(attribute.keyType)?.be32() ?? 0,
      length: required(attributes, attribute.keyLength).be32(),
    },
    ...((flags & flag.map) !== 0 && { data: readDataType(attributes) }),
    interval: (flags & flag.interval) !== 0,
    ...(fields.length > 0 && { fields }),
  };
}

function readDataType(attributes: ReadonlyMap<number, Attribute>): SetType | "verdict" {
  const number = attributes.get(attribute.dataType)?.be32() ?? 0;
  if (number === verdictType) return "verdict";
  return { number, length: attributes.get(attribute.dataLength)?.be32() ?? 0 };
}
