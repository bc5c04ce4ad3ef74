/** What recvmmsg(2) and sendmsg(2) are told: headers with the addresses of names, bytes and control messages. For 64-bit systems that put the low byte first. */
import koffi from "koffi";

/** struct mmsghdr (linux/socket.h): where the fields are, bytes. Its first part is struct msghdr. */
export const header = {
  length: 64,
  name: 0,
  nameLength: 8,
  vector: 16,
  vectorLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  received: 56,
} as const;
/** struct iovec (linux/uio.h): address and length. */
export const vector = { length: 16, base: 0, size: 8 } as const;
/** MSG_TRUNC among the flags of what came: it was longer than its slot. */
export const cutShort = 0x20;

/** Memory apart from all other, so that the bytes stay where they are while the kernel knows them by address. */
export const apart = (length: number): Buffer => Buffer.from(new ArrayBuffer(length));
/** Addresses of user space have 47 bits: exact as numbers. */
export const addressOf = (buffer: Buffer): number => Number(koffi.address(buffer));

/** Writes a vector over `size` bytes at the address `base`. */
export function writeVector(vectors: Buffer, at: number, base: number, size: number): void {
  vectors.writeBigUInt64LE(BigInt(base), at + vector.base);
  vectors.writeBigUInt64LE(BigInt(size), at + vector.size);
}

/** Writes a header with one vector, and a name of that length; all by address. */
export function writeHeader(
  headers: Buffer,
  at: number,
  name: number,
  nameLength: number,
  vectorAddress: number,
): void {
  headers.writeBigUInt64LE(BigInt(name), at + header.name);
  headers.writeUInt32LE(nameLength, at + header.nameLength);
  headers.writeBigUInt64LE(BigInt(vectorAddress), at + header.vector);
  headers.writeBigUInt64LE(1n, at + header.vectorLength);
}
