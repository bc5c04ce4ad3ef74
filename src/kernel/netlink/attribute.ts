/**
 * Netlink attributes (linux/netlink.h, struct nlattr): 16-bit length that counts its own 4-byte header, 16-bit type,
 * value, padding to 4 bytes. Numbers are in host byte order (little-endian on every machine Node runs on here) unless a
 * method says big-endian.
 */
import { PortolanError } from "../../errors.ts";

const headerLength = 4;
/** NLA_F_NESTED: the value is a sequence of attributes. */
const nestedFlag = 0x8000;
/** NLA_TYPE_MASK: what remains without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const typeMask = 0x3fff;

const align = (length: number): number => (length + 3) & ~3;

/** Writes a fixed header followed by attributes into a buffer that grows. Methods chain. */
export class AttributeWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    // From Node's buffer pool: Buffer.alloc makes an ArrayBuffer of its own each time, which doubled the cost of encoding an endpoint's messages.
    this.#bytes = Buffer.allocUnsafe(capacity).fill(0);
  }

  /** Reserves `length` zeroed bytes and returns where they start. */
  #reserve(length: number): number {
    const start = this.#length;
    const end = start + align(length);
    if (end > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, start);
      this.#bytes = grown;
    }
    this.#length = end;
    return start;
  }

  #open(type: number, length: number): number {
    const start = this.#reserve(headerLength + length);
    this.#bytes.writeUInt16LE(headerLength + length, start);
    this.#bytes.writeUInt16LE(type, start + 2);
    return start + headerLength;
  }

  /** Appends bytes that are no attribute: the fixed structure in front (struct ifinfomsg, rtmsg, nfgenmsg…). */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length); // first: it may put a larger buffer in place
    this.#bytes.set(bytes, at);
    return this;
  }

  bytes(type: number, value: Uint8Array): this {
    const at = this.#open(type, value.length);
    this.#bytes.set(value, at);
    return this;
  }

  u8(type: number, value: number): this {
    const at = this.#open(type, 1);
    this.#bytes.writeUInt8(value, at);
    return this;
  }

  u16(type: number, value: number): this {
    const at = this.#open(type, 2);
    this.#bytes.writeUInt16LE(value, at);
    return this;
  }

  u32(type: number, value: number): this {
    const at = this.#open(type, 4);
    this.#bytes.writeUInt32LE(value >>> 0, at);
    return this;
  }

  s32(type: number, value: number): this {
    const at = this.#open(type, 4);
    this.#bytes.writeInt32LE(value, at);
    return this;
  }

  u64(type: number, value: bigint): this {
    const at = this.#open(type, 8);
    this.#bytes.writeBigUInt64LE(value, at);
    return this;
  }

  /** 16 bits in network byte order. */
  be16(type: number, value: number): this {
    const at = this.#open(type, 2);
    this.#bytes.writeUInt16BE(value, at);
    return this;
  }

  /** 32 bits in network byte order. */
  be32(type: number, value: number): this {
    const at = this.#open(type, 4);
    this.#bytes.writeUInt32BE(value >>> 0, at);
    return this;
  }

  /** 64 bits in network byte order. */
  be64(type: number, value: bigint): this {
    const at = this.#open(type, 8);
    this.#bytes.writeBigUInt64BE(value, at);
    return this;
  }

  /** Text with a closing zero byte (NLA_NUL_STRING). */
  string(type: number, value: string): this {
    const at = this.#open(type, Buffer.byteLength(value) + 1);
    this.#bytes.write(value, at, "utf8");
    return this;
  }

  /** An attribute whose presence says it all (NLA_FLAG). */
  flag(type: number): this {
    this.#open(type, 0);
    return this;
  }

  /** An attribute that holds what `write` adds; carries NLA_F_NESTED. */
  nested(type: number, write: (inner: this) => void): this {
    const at = this.#open(type | nestedFlag, 0);
    write(this);
    this.#bytes.writeUInt16LE(this.#length - at + headerLength, at - headerLength);
    return this;
  }

  /** The bytes written so far; a view, valid until the next write. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** One attribute's value, read as the caller knows its type; throws `kernel` where it is too short. */
export class Attribute {
  readonly type: number;
  readonly value: Buffer;

  constructor(type: number, value: Buffer) {
    this.type = type;
    this.value = value;
  }

  #need(length: number): Buffer {
    if (this.value.length < length)
      throw malformed(`attribute ${this.type} has ${this.value.length} bytes, not ${length}`);
    return this.value;
  }

  u8(): number {
    return this.#need(1).readUInt8();
  }
  u16(): number {
    return this.#need(2).readUInt16LE();
  }
  u32(): number {
    return this.#need(4).readUInt32LE();
  }
  s32(): number {
    return this.#need(4).readInt32LE();
  }
  u64(): bigint {
    return this.#need(8).readBigUInt64LE();
  }
  be16(): number {
    return this.#need(2).readUInt16BE();
  }
  be32(): number {
    return this.#need(4).readUInt32BE();
  }
  be64(): bigint {
    return this.#need(8).readBigUInt64BE();
  }
  /** Text up to the first zero byte or the end. */
  string(): string {
    const end = this.value.indexOf(0);
    return this.value.toString("utf8", 0, end === -1 ? this.value.length : end);
  }
  /** The attributes inside, by type. */
  nested(): Attributes {
    return readAttributes(this.value);
  }
  /** The attributes inside in order, for lists where a type repeats. */
  list(): readonly Attribute[] {
    return listAttributes(this.value);
  }
}

/** Attributes by type; where a type repeats, the last one counts, as in the kernel's own parser. */
export type Attributes = ReadonlyMap<number, Attribute>;

/** Every attribute of `bytes` in order; throws `kernel` on a length that does not fit. */
export function listAttributes(bytes: Uint8Array): readonly Attribute[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Attribute[] = [];
  let at = 0;
  while (buffer.length - at >= headerLength) {
    const length = buffer.readUInt16LE(at);
    if (length < headerLength || at + length > buffer.length) {
      throw malformed(`attribute at offset ${at} claims ${length} of ${buffer.length - at} bytes`);
    }
    const type = buffer.readUInt16LE(at + 2) & typeMask;
    found.push(new Attribute(type, buffer.subarray(at + headerLength, at + length)));
    at += align(length);
  }
  return found;
}

/** The attributes of `bytes` by type; throws `kernel` on a length that does not fit. */
export function readAttributes(bytes: Uint8Array): Attributes {
  return new Map(listAttributes(bytes).map((attribute) => [attribute.type, attribute]));
}

/** The error for bytes that are no well-formed netlink. */
export function malformed(reason: string): PortolanError {
  return new PortolanError("kernel", "malformed netlink message", { reason });
}
