/**
 * UDP sockets that receive many datagrams by one call (recvmmsg(2)) into buffers that are laid out once. Nothing here throws on the way of a packet: calls answer
 * a count, or a negative errno.
 */
import { bind, closeSocket, connect, receiveMany, sendTo, setSocketOption, socket } from "../syscalls.ts";
import { domainOf, socketAddressLength } from "./address.ts";
import { addressOf, apart, cutShort, header, vector, writeHeader, writeVector } from "./message-header.ts";
import { ipLevel, ipOption, nonBlocking, socketLevel, socketOption } from "./options.ts";

/** SOCK_DGRAM */
const datagramSocket = 2;

export interface DatagramOptions {
  /** Socket address to receive at. */
  readonly local?: Uint8Array;
  /** Socket address of the one peer: datagrams of others are dropped by the kernel. */
  readonly peer?: Uint8Array;
  /** Takes packets of this device only. */
  readonly device?: string;
  /** Bytes of the receive queue. */
  readonly receiveBuffer?: number;
}

/** Opens a UDP socket in the calling thread's namespace; throws KernelError. */
export function openDatagram({ local, peer, device, receiveBuffer }: DatagramOptions): number {
  const address = local ?? peer;
  if (address === undefined) throw new TypeError("a datagram socket has an address or a peer");
  const fd = socket(domainOf(address), datagramSocket | nonBlocking, 0);
  try {
    if (device !== undefined) setSocketOption(fd, socketLevel, socketOption.bindToDevice, Buffer.from(`${device}\0`));
    if (receiveBuffer !== undefined) setSocketOption(fd, socketLevel, socketOption.receiveBuffer, receiveBuffer);
    if (local !== undefined) {
      setSocketOption(fd, ipLevel, ipOption.freeBind, 1);
      bind(fd, local);
    }
    if (peer !== undefined) connect(fd, peer);
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  return fd;
}

/** Room for a number of IPv4 datagrams, received by one call and answered one by one out of the same room. */
export class DatagramBatch {
  /** Slot after slot; a datagram begins where its slot does. */
  readonly bytes: Buffer;
  readonly slotLength: number;
  readonly #slots: number;
  readonly #names: Buffer;
  readonly #headers: Buffer;
  /** The headers as words, which are read for every datagram. */
  readonly #words: Int32Array;
  /** Keeps what the headers point to. */
  readonly #vectors: Buffer;
  readonly #address: number;
  readonly #nameAddress: number;

  constructor(slots: number, slotLength: number) {
    this.#slots = slots;
    this.slotLength = slotLength;
    this.bytes = apart(slots * slotLength);
    this.#names = apart(slots * socketAddressLength[4]);
    this.#vectors = apart(slots * vector.length);
    this.#headers = apart(slots * header.length);
    this.#words = new Int32Array(this.#headers.buffer);
    this.#address = addressOf(this.bytes);
    this.#nameAddress = addressOf(this.#names);
    const vectors = addressOf(this.#vectors);
    const nameLength = socketAddressLength[4];
    for (let slot = 0; slot < slots; slot++) {
      const name = this.#nameAddress + slot * nameLength;
      writeHeader(this.#headers, slot * header.length, name, nameLength, vectors + slot * vector.length);
      writeVector(this.#vectors, slot * vector.length, this.#address + slot * slotLength, slotLength);
    }
  }

  /** Receives what waits at a socket, at most a batch; how many, or a negative errno. */
  receive(fd: number): number {
    return receiveMany(fd, this.#headers, this.#slots);
  }

  /** Bytes of a received datagram; -1 where it was longer than a slot. */
  lengthOf(slot: number): number {
    const at = slot * (header.length / 4);
    if (((this.#words[at + header.flags / 4] ?? 0) & cutShort) !== 0) return -1;
    return this.#words[at + header.received / 4] ?? 0;
  }

  /** Copies the socket address that a datagram came from. */
  copySender(slot: number, to: Uint8Array): void {
    const from = slot * socketAddressLength[4];
    for (let i = 0; i < socketAddressLength[4]; i++) to[i] = this.#names[from + i] ?? 0;
  }

  /** Sends the first bytes of a slot to where its datagram came from; how many, or a negative errno. */
  answer(fd: number, slot: number, length: number): number {
    const name = this.#nameAddress + slot * socketAddressLength[4];
    return sendTo(fd, this.#address + slot * this.slotLength, length, name, socketAddressLength[4]);
  }
}
