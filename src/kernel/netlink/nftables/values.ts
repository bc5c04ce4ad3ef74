/**
 * What all nftables codecs share: bytes as hex text, registers, and enumerations whose index is the kernel's number.
 * Numbers in nftables attributes are big-endian unless a codec says otherwise (linux/netfilter/nf_tables.h).
 */
import { type Attribute, type Attributes, type AttributeWriter, malformed } from "../attribute.ts";

/**
 * Bytes as lower-case hexadecimal text, in the order they have in the register: network order for addresses and ports, the
 * machine's own (little-endian) for marks and connection-tracking bits. Text, so that expressions survive JSON and compare by value.
 */
export type Hex = string;

/**
 * A register as the kernel prints it (enum nft_registers): 0 is the verdict, 1–4 are the 16-byte registers, 9–11, 13–15, 17–19 and
 * 21–23 the 4-byte ones that do not begin a 16-byte one.
 */
export type Register = number;

/** The verdict register, NFT_REG_VERDICT. */
export const verdictRegister: Register = 0;

/** The register that begins at 4-byte slot 0…15, numbered as the kernel's dump numbers it. */
export function registerOf(slot: number): Register {
  return slot % 4 === 0 ? 1 + slot / 4 : 8 + slot;
}

/** The 4-byte slot at which a data register begins; the inverse of {@link registerOf}. */
export function slotOf(register: Register): number {
  return register < 8 ? (register - 1) * 4 : register - 8;
}

/** The bytes of hexadecimal text. */
export function hexToBytes(hex: Hex): Uint8Array {
  return Buffer.from(hex, "hex");
}

/** Hexadecimal text of bytes. */
export function bytesToHex(bytes: Uint8Array): Hex {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** The attribute of that type; throws `kernel` where it is missing. */
export function required(attributes: Attributes, type: number): Attribute {
  const attribute = attributes.get(type);
  if (attribute === undefined) throw malformed(`attribute ${type} is missing`);
  return attribute;
}

/** NFTA_DATA_VALUE inside a struct nft_data attribute. */
const dataValue = 1;

/** Writes a nested attribute that holds one value (NFTA_DATA_VALUE). */
export function writeValue(writer: AttributeWriter, type: number, value: Hex): void {
  writer.nested(type, () => writer.bytes(dataValue, hexToBytes(value)));
}

/** Reads what {@link writeValue} wrote; undefined where the data is no value but a verdict. */
export function readValue(attribute: Attribute): Hex | undefined {
  const value = attribute.nested().get(dataValue);
  return value && bytesToHex(value.value);
}

/** The number of `name` in a list whose index is the kernel's number. */
export function numberOf<Name extends string>(names: readonly Name[], name: Name): number {
  return names.indexOf(name);
}

/** The names whose bits are set in `bits`, bit 0 first; undefined where an unnamed bit is set. */
export function namesOfBits<Name extends string>(names: readonly Name[], bits: number): readonly Name[] | undefined {
  if (bits >>> names.length !== 0) return undefined;
  return names.filter((_, bit) => bits & (1 << bit));
}

/** The bits of `set`; the inverse of {@link namesOfBits}. */
export function bitsOfNames<Name extends string>(names: readonly Name[], set: readonly Name[]): number {
  return set.reduce((bits, name) => bits | (1 << names.indexOf(name)), 0);
}
