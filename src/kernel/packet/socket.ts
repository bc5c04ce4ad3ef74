/** A packet socket (packet(7)) on one link: whole frames out, and those of address resolution in. */
import { bytesToMac, type MacAddress } from "../../address/mac.ts";
import { KernelError } from "../kernel.ts";
import {
  attachFilter,
  bind,
  hardwareAddress,
  interfaceIndex,
  receive,
  refusalOf,
  sendDatagram,
  socket,
} from "../syscalls.ts";
import type { Errands } from "./errands.ts";
import { etherType } from "./ethernet.ts";

/** AF_PACKET */
const packetDomain = 17;
/** SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK */
const rawSocket = 3 | 0o2000000 | 0o4000;
/** ETH_P_ALL: outgoing frames, too. */
const everything = 3;
/** struct sockaddr_ll */
const addressLength = 20;

/** Longest frame that is looked at, bytes: those of address resolution are far shorter. */
const longest = 2048;
const incoming = Buffer.alloc(longest);

/** struct sock_filter (linux/filter.h): what to do, how many instructions to pass over where a comparison holds and where it does not, and a value. */
type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number];
/** BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K */
const [loadHalf, loadByte, jumpEqual, take] = [0x28, 0x30, 0x15, 0x06];

/** Lets ARP through, and IPv6 that begins with a message of neighbour discovery: all else would overflow the socket on a busy bridge. */
const addressResolution = program([
  [loadHalf, 0, 0, 12], // the type
  [jumpEqual, 6, 0, etherType.arp],
  [jumpEqual, 0, 6, etherType.ipv6],
  [loadByte, 0, 0, 14 + 6], // the next header: ICMPv6?
  [jumpEqual, 0, 4, 58],
  [loadByte, 0, 0, 14 + 40], // the message's type: solicitation or advertisement?
  [jumpEqual, 1, 0, 135],
  [jumpEqual, 0, 1, 136],
  [take, 0, 0, longest],
  [take, 0, 0, 0],
]);

function program(instructions: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(8 * instructions.length);
  instructions.forEach(([code, jumpTrue, jumpFalse, value], at) => {
    bytes.writeUInt16LE(code, 8 * at);
    bytes.writeUInt8(jumpTrue, 8 * at + 2);
    bytes.writeUInt8(jumpFalse, 8 * at + 3);
    bytes.writeUInt32LE(value, 8 * at + 4);
  });
  return bytes;
}

/** An open packet socket of the namespace in which it was made. */
export class LinkSocket {
  readonly #descriptor: number;
  readonly #address: Uint8Array;
  /** MAC address of the link. */
  readonly mac: MacAddress;

  readonly #errands: Errands;

  /** Opens a socket on a link of the calling thread's namespace; throws KernelError ENODEV. */
  constructor(link: string, mode: "send" | "listen", errands: Errands) {
    this.#errands = errands;
    // Of no protocol: it would see every frame of every link until it is bound.
    this.#descriptor = socket(packetDomain, rawSocket, 0);
    try {
      this.#address = linkAddress(interfaceIndex(this.#descriptor, link), mode === "listen" ? everything : 0);
      this.mac = bytesToMac(hardwareAddress(this.#descriptor, link));
      if (mode === "listen") {
        attachFilter(this.#descriptor, addressResolution);
        bind(this.#descriptor, this.#address);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Sends frames; throws KernelError ENETDOWN where the link is down, ENXIO where it is gone. */
  send(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const sent = sendDatagram(this.#descriptor, frame, this.#address);
      if (sent < 0) throw new KernelError("send a frame", refusalOf(-sent));
    }
  }

  /** Sends frames on another thread, before the socket is closed. Whether they could be sent nobody hears. */
  post(frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.#errands.send(this.#descriptor, frame, this.#address);
  }

  /** The frames that have come since the last call, oldest first. */
  receive(): readonly Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (;;) {
      try {
        const length = receive(this.#descriptor, incoming, 0);
        frames.push(Uint8Array.from(incoming.subarray(0, length)));
      } catch (error) {
        if (error instanceof KernelError && error.refusal.code === "EINTR") continue;
        if (error instanceof KernelError && error.refusal.code === "EAGAIN") return frames;
        throw error;
      }
    }
  }

  /** Lets go of the socket. */
  close(): void {
    this.#errands.close(this.#descriptor);
  }
}

function linkAddress(index: number, protocol: number): Uint8Array {
  const address = Buffer.alloc(addressLength);
  address.writeUInt16LE(packetDomain, 0);
  address.writeUInt16BE(protocol, 2);
  address.writeInt32LE(index, 4);
  return address;
}
