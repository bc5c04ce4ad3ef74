/**
 * UDP by IPv6 where it matters which of our addresses a datagram was sent to (IPV6_PKTINFO, RFC 3542 §6): what is received tells it, and answers leave from it, so
 * that one socket serves all addresses. Nothing here throws on the way of a packet: calls answer a count, or a negative errno.
 */
import {
  bind,
  closeSocket,
  receiveMany,
  receiveSome,
  sendMessage,
  sendTo,
  setSocketOption,
  socket,
} from "../syscalls.ts";
import { encodeSocketAddress, inet6Domain, socketAddressLength } from "./address.ts";
import { addressOf, apart, cutShort, header, vector, writeHeader, writeVector } from "./message-header.ts";
import { ipv6Level, ipv6Option, nonBlocking, socketLevel, socketOption } from "./options.ts";

/** SOCK_DGRAM */
const datagramSocket = 2;
/** struct sockaddr_in6 (linux/in6.h): where the fields are, bytes. */
const nameAt = { port: 2, flowLabel: 4, address: 8, scope: 24 } as const;
const nameLength = socketAddressLength[6];
/**
 * A control message of struct in6_pktinfo (linux/ipv6.h): length, level and type, then our address and the index of a link. The length counts no padding,
 * the room does.
 */
const controlAt = { length: 0, level: 8, type: 12, address: 16, link: 32 } as const;
const control = { length: 36, room: 40 } as const;

/** Opens a UDP socket at a port of all IPv6 addresses of the calling thread's namespace; `receiveBuffer` in bytes. Throws KernelError. */
export function openDirected(port: number, receiveBuffer: number): number {
  const fd = socket(inet6Domain, datagramSocket | nonBlocking, 0);
  try {
    setSocketOption(fd, ipv6Level, ipv6Option.ipv6Only, 1);
    setSocketOption(fd, ipv6Level, ipv6Option.receivePacketInfo, 1);
    setSocketOption(fd, socketLevel, socketOption.receiveBuffer, receiveBuffer);
    bind(fd, encodeSocketAddress(new Uint8Array(16), port));
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  return fd;
}

/** The way back of an answer: the socket address of the peer, and behind it the control message with our own address. */
export class WayBack {
  readonly bytes = apart(32 + control.room);
  readonly address = addressOf(this.bytes);
}
const wayControlAt = 32;

/** Room for a number of datagrams, received by one call. */
export class DirectedBatch {
  readonly #slots: number;
  readonly #slotLength: number;
  readonly #bytes: Buffer;
  readonly #names: Buffer;
  readonly #controls: Buffer;
  readonly #headers: Buffer;
  /** Keeps what the headers point to. */
  readonly #vectors: Buffer;
  readonly #address: number;

  constructor(slots: number, slotLength: number) {
    this.#slots = slots;
    this.#slotLength = slotLength;
    this.#bytes = apart(slots * slotLength);
    this.#names = apart(slots * nameLength);
    this.#controls = apart(slots * control.room);
    this.#vectors = apart(slots * vector.length);
    this.#headers = apart(slots * header.length);
    this.#address = addressOf(this.#bytes);
    const [names, controls, vectors] = [
      addressOf(this.#names),
      addressOf(this.#controls),
      addressOf(this.#vectors),
    ] as const;
    for (let slot = 0; slot < slots; slot++) {
      const at = slot * header.length;
      writeHeader(this.#headers, at, names + slot * nameLength, nameLength, vectors + slot * vector.length);
      this.#headers.writeBigUInt64LE(BigInt(controls + slot * control.room), at + header.control);
      writeVector(this.#vectors, slot * vector.length, this.#address + slot * slotLength, slotLength);
    }
  }

  /** Receives what waits at a socket, at most a batch; how many, or a negative errno. */
  receive(fd: number): number {
    // The kernel writes how much it used; the lengths are below 4 GiB.
    for (let slot = 0; slot < this.#slots; slot++)
      this.#headers.writeUInt32LE(control.room, slot * header.length + header.controlLength);
    return receiveMany(fd, this.#headers, this.#slots);
  }

  /** Bytes of a received datagram; -1 where it does not tell where it was sent to, or was longer than a slot. */
  lengthOf(slot: number): number {
    const at = slot * header.length;
    const isCut = (this.#headers.readUInt32LE(at + header.flags) & cutShort) !== 0;
    const told = this.#controls.readUInt32LE(slot * control.room + controlAt.type) === ipv6Option.packetInfo;
    if (isCut || !told || this.#headers.readUInt32LE(at + header.controlLength) < control.length) return -1;
    return this.#headers.readUInt32LE(at + header.received);
  }

  /** Peer and own address as a key: equal where both are. */
  keyOf(slot: number): string {
    const name = slot * nameLength;
    const own = slot * control.room + controlAt.address;
    return (
      this.#names.toString("latin1", name + nameAt.port, name + nameAt.flowLabel) +
      this.#names.toString("latin1", name + nameAt.address, name + nameLength) +
      this.#controls.toString("latin1", own, own + 16)
    );
  }

  /** Port and address of the peer. */
  peerOf(slot: number): { readonly address: Uint8Array; readonly port: number } {
    const at = slot * nameLength;
    return {
      address: this.#names.subarray(at + nameAt.address, at + nameAt.scope),
      port: this.#names.readUInt16BE(at + nameAt.port),
    };
  }

  /** Our address that it was sent to. */
  ownOf(slot: number): Uint8Array {
    const at = slot * control.room + controlAt.address;
    return this.#controls.subarray(at, at + 16);
  }

  /** The way back to where a datagram came from. */
  wayBackOf(slot: number): WayBack {
    const way = new WayBack();
    const name = slot * nameLength;
    this.#names.copy(way.bytes, 0, name, name + nameLength);
    way.bytes.writeUInt32LE(0, nameAt.flowLabel);
    way.bytes.writeUInt32LE(control.length, wayControlAt + controlAt.length);
    way.bytes.writeUInt32LE(ipv6Level, wayControlAt + controlAt.level);
    way.bytes.writeUInt32LE(ipv6Option.packetInfo, wayControlAt + controlAt.type);
    // By which link it leaves the routes say, or for a link-local peer its scope.
    way.bytes.set(this.ownOf(slot), wayControlAt + controlAt.address);
    return way;
  }

  /** Sends a datagram on by a connected socket: how many bytes, or a negative errno. */
  sendOn(slot: number, length: number, fd: number): number {
    return sendTo(fd, this.#address + slot * this.#slotLength, length, 0, 0);
  }
}

/** Room for one answer on its way back. */
export class AnswerRoom {
  readonly #bytes: Buffer;
  readonly #vector = apart(vector.length);
  readonly #header = apart(header.length);

  constructor(length: number) {
    this.#bytes = apart(length);
    writeVector(this.#vector, 0, addressOf(this.#bytes), length);
    // Whose name it is, and how much of the room is said, each answer tells.
    writeHeader(this.#header, 0, 0, nameLength, addressOf(this.#vector));
    this.#header.writeBigUInt64LE(BigInt(control.room), header.controlLength);
  }

  /** Receives one datagram of a connected socket: how many bytes, or a negative errno. */
  receive(fd: number): number {
    return receiveSome(fd, this.#bytes);
  }

  /** Sends that many bytes of it back: how many, or a negative errno. */
  sendBack(fd: number, length: number, way: WayBack): number {
    this.#header.writeBigUInt64LE(BigInt(way.address), header.name);
    this.#header.writeBigUInt64LE(BigInt(way.address + wayControlAt), header.control);
    this.#vector.writeBigUInt64LE(BigInt(length), vector.size);
    return sendMessage(fd, this.#header);
  }
}
