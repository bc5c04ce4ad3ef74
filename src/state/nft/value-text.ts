/** Values as the nft tool writes and reads them. */
import { PortolanError } from "../../errors.ts";
import { type Hex, hexToBytes } from "../../kernel/netlink/nftables/values.ts";
import type { NftDataType, NftKeyPart } from "../nft-objects.ts";
import { type ValueType, valueTypes } from "./value-type.ts";

/** Text in double quotes, as nft wants link names, comments and prefixes; throws `invalid-argument` where it holds one, which nft cannot read. */
export function quoted(text: string): string {
  if (text.includes('"'))
    throw new PortolanError("invalid-argument", `nft cannot write ${text}: it holds a double quote`);
  return `"${text}"`;
}

/** A value in text; link names are quoted. */
export function valueText(type: NftDataType | ValueType, text: string): string {
  return type === "ifname" ? quoted(text) : text;
}

/** The value that bytes hold. A link name shorter than its field is a beginning: `"br-*"`. */
export function bytesText(type: ValueType, value: Hex): string {
  const codec = valueTypes[type];
  const bytes = hexToBytes(value);
  if (type === "ifname" && bytes.length < codec.length) return quoted(`${Buffer.from(bytes).toString("utf8")}*`);
  if (bytes.length !== codec.length) return `0x${value}`;
  return valueText(type, codec.decode(bytes));
}

/** Part of an element's key: `80`, `80-90`, `10.0.0.0/8`. */
export function partText(type: NftDataType, part: NftKeyPart): string {
  if (typeof part === "string") return valueText(type, part);
  if ("prefix" in part) return part.prefix;
  return `${valueText(type, part.from)}-${valueText(type, part.to)}`;
}

/** An element's key or data: parts with dots between. */
export function partsText(types: readonly NftDataType[], parts: readonly NftKeyPart[]): string {
  return parts.map((part, i) => partText(types[i] ?? "verdict", part)).join(" . ");
}
