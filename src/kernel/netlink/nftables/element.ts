/**
 * Elements of sets and maps (enum nft_set_elem_attributes). A range in a set with a concatenated key is one element with two keys
 * (the last one included); a range in a set with a plain key is a pair: an element where it starts and one, marked as an end,
 * right behind its last value.
 */
import { KernelError } from "../../kernel.ts";
import { type Attribute, AttributeWriter } from "../attribute.ts";
import type { NetlinkMessage, ReceivedMessage } from "../message.ts";
import { createExclusively, nftAnswer, nftMessage, nftRequest, type TableFamily } from "./message.ts";
import { encodeUserData } from "./userdata.ts";
import { bytesToHex, type Hex, hexToBytes, readValue, required, writeValue } from "./values.ts";
import { readVerdict, type Verdict, writeVerdict } from "./verdict.ts";

/** One element as the caller sees it: a key or a range of keys, and what a map gives for it. */
export interface SetElement {
  readonly key: Hex;
  /** The last key of a range; absent where it is `key`. */
  readonly last?: Hex;
  readonly data?: Hex | Verdict;
}

/** How the kernel stores the elements of a set: follows from the set's key and its `interval`. */
export type ElementForm = "plain" | "interval" | "concatenated-interval";

/** NFTA_SET_ELEM_LIST_* */
const listAttribute = { table: 1, set: 2, elements: 3 } as const;
const listElement = 1;
/** NFTA_SET_ELEM_* */
const attribute = { key: 1, data: 2, flags: 3, userData: 6, lastKey: 10 } as const;
/** NFT_SET_ELEM_* */
const flag = { intervalEnd: 1, catchAll: 2 } as const;

/** NFTNL_UDATA_SET_ELEM_FLAGS with EXPR_F_INTERVAL_OPEN: nft's note that a range ends with the greatest value. */
const openRange = encodeUserData([{ type: 1, value: Uint8Array.of(1, 0, 0, 0) }]);

/** Half the longest value of a nested attribute (16-bit length), so that one element more always fits. */
const listLimit = 0x8000;

function writeKey(writer: AttributeWriter, { key, last, data }: SetElement, form: ElementForm): void {
  writer.nested(listElement, () => {
    writeValue(writer, attribute.key, key);
    if (form === "concatenated-interval" && last !== undefined) writeValue(writer, attribute.lastKey, last);
    if (typeof data === "string") writeValue(writer, attribute.data, data);
    else if (data) writeVerdict(writer, attribute.data, data);
    if (form === "interval" && next(last ?? key) === undefined) writer.bytes(attribute.userData, openRange);
  });
}

/** A range in a set with a plain key ends right behind its last value; one up to the greatest value has no end. */
function writeEnd(writer: AttributeWriter, { key, last }: SetElement): void {
  const end = next(last ?? key);
  if (end === undefined) return;
  writer.nested(listElement, () => {
    writer.be32(attribute.flags, flag.intervalEnd);
    writeValue(writer, attribute.key, end);
  });
}

/** The bytes plus one as a big-endian number; undefined where they are the greatest. */
function next(key: Hex): Hex | undefined {
  const bytes = hexToBytes(key);
  for (let i = bytes.length - 1; i >= 0; i--) {
    const byte = ((bytes[i] ?? 0) + 1) & 0xff;
    bytes[i] = byte;
    if (byte !== 0) return bytesToHex(bytes);
  }
  return undefined;
}

/** The bytes minus one; undefined where they are zero. */
function previous(key: Hex): Hex | undefined {
  const bytes = hexToBytes(key);
  for (let i = bytes.length - 1; i >= 0; i--) {
    const byte = bytes[i] ?? 0;
    bytes[i] = (byte - 1) & 0xff;
    if (byte !== 0) return bytesToHex(bytes);
  }
  return undefined;
}

interface SetName {
  readonly table: string;
  readonly set: string;
}

/** A message and how many of the elements given it holds, in their order. */
export interface ElementMessage {
  readonly message: NetlinkMessage;
  readonly count: number;
}

function elementMessages(
  type: number,
  flags: number,
  name: SetName,
  form: ElementForm,
  elements: readonly SetElement[],
  family: TableFamily | undefined,
): readonly ElementMessage[] {
  const messages: ElementMessage[] = [];
  let list = new AttributeWriter();
  let count = 0;
  const flush = (): void => {
    if (count === 0) return;
    const write = (writer: AttributeWriter): void => {
      writer.string(listAttribute.table, name.table).string(listAttribute.set, name.set);
      writer.nested(listAttribute.elements, () => writer.raw(list.finish()));
    };
    messages.push({ message: nftRequest(type, flags, write, family), count });
    list = new AttributeWriter();
    count = 0;
  };
  for (const element of elements) {
    writeKey(list, element, form);
    if (form === "interval") writeEnd(list, element);
    count++;
    if (list.finish().length > listLimit) flush();
  }
  flush();
  return messages;
}

/** Adds elements, in as many messages as their size needs; refused with EEXIST where one is there or ranges overlap. */
export function newElements(
  name: SetName,
  form: ElementForm,
  elements: readonly SetElement[],
  family?: TableFamily,
): readonly ElementMessage[] {
  return elementMessages(nftMessage.newElement, createExclusively, name, form, elements, family);
}

/** Deletes elements, named by their keys; refused with ENOENT where one is not there. */
export function deleteElements(
  name: SetName,
  form: ElementForm,
  elements: readonly SetElement[],
  family?: TableFamily,
): readonly ElementMessage[] {
  const keys = elements.map(({ key, last }) => ({ key, ...(last !== undefined && { last }) }));
  return elementMessages(nftMessage.deleteElement, 0, name, form, keys, family);
}

/** Asks, as a dump, for the elements of a set. */
export function getElements({ table, set }: SetName, family?: TableFamily): NetlinkMessage {
  const write = (writer: AttributeWriter): unknown =>
    writer.string(listAttribute.table, table).string(listAttribute.set, set);
  return nftRequest(nftMessage.getElement, 0, write, family);
}

/** An element as the kernel stores it; undefined for the catch-all element and for data the engine never makes. */
interface StoredElement extends SetElement {
  readonly end: boolean;
}

function readElement(element: Attribute): StoredElement | undefined {
  const attributes = element.nested();
  const flags = attributes.get(attribute.flags)?.be32() ?? 0;
  if (flags & flag.catchAll) return undefined;
  const key = readValue(required(attributes, attribute.key));
  const lastKey = attributes.get(attribute.lastKey);
  const last = lastKey && readValue(lastKey);
  const stored = attributes.get(attribute.data);
  const data = stored && (readVerdict(stored) ?? readValue(stored));
  if (key === undefined || (stored && data === undefined)) return undefined;
  return {
    key,
    ...(last !== undefined && last !== key && { last }),
    ...(data !== undefined && { data }),
    end: (flags & flag.intervalEnd) !== 0,
  };
}

/** The elements in the answers to {@link getElements}, by key; ends of ranges are joined to their starts. */
export function decodeElements(
  messages: readonly ReceivedMessage[],
  form: ElementForm,
  family?: TableFamily,
): readonly SetElement[] {
  const stored: StoredElement[] = [];
  for (const message of messages) {
    const list = nftAnswer(message, nftMessage.newElement, family)?.get(listAttribute.elements)?.list() ?? [];
    for (const element of list) {
      const read = readElement(element);
      if (read) stored.push(read);
    }
  }
  // An end sorts before a start of the same key: the one range stops where the next one begins.
  stored.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : Number(b.end) - Number(a.end)));
  return form === "interval" ? joinRanges(stored) : stored.map(({ end: _, ...element }) => element);
}

/** How often a set is read at most when the kernel moves its elements meanwhile: it needs some milliseconds for that, and does so when a set has grown or shrunk by half. */
const readTries = 20;

/**
 * The elements that `dump` answers to {@link getElements}, by key. A set without ranges is a hash table, which the kernel makes larger in the background: a dump meanwhile
 * tells some elements twice and others not at all, without NLM_F_DUMP_INTR (nft_rhash_walk in net/netfilter/nft_set_hash.c). Such a dump is taken again; throws KernelError
 * EINTR where it stays so.
 */
export function readElements(
  dump: () => readonly ReceivedMessage[],
  form: ElementForm,
  family?: TableFamily,
): readonly SetElement[] {
  for (let tries = 1; ; tries++) {
    const elements = decodeElements(dump(), form, family);
    const twice = form === "plain" && elements.some(({ key }, index) => key === elements[index + 1]?.key);
    if (!twice) return elements;
    if (tries === readTries) {
      const message = `the elements were moved during each of ${tries} tries`;
      throw new KernelError("dump", { errno: 4, code: "EINTR", message });
    }
  }
}

function joinRanges(stored: readonly StoredElement[]): readonly SetElement[] {
  return stored.flatMap(({ end, ...start }, index) => {
    if (end) return []; // its start said it already, or it is the end at zero that nft adds
    const following = stored[index + 1];
    const last = following ? previous(following.key) : "ff".repeat(start.key.length / 2);
    return [{ ...start, ...(last !== undefined && last !== start.key && { last }) }];
  });
}
