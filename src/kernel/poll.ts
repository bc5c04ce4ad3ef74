/**
 * Waits for many descriptors on the calling thread (epoll(7)), for threads that do nothing else: their own loop would cost a call into JavaScript for every
 * packet. Another thread wakes them by an event descriptor (eventfd(2)).
 */
import { readSync, writeSync } from "node:fs";
import { closeSocket, controlPoll, createEventDescriptor, createPoll, waitPoll } from "./syscalls.ts";

/** EPOLL* flags (linux/eventpoll.h). */
export const readiness = {
  /** EPOLLIN: there is something to read, a connection to accept, or an end. */ readable: 0x1,
  /** EPOLLOUT: there is room to write. */ writable: 0x4,
  /** EPOLLERR: an error waits; told unasked. */ failed: 0x8,
  /** EPOLLHUP: both ends are closed; told unasked. */ hungUp: 0x10,
} as const;

/** EPOLL_CTL_* (linux/eventpoll.h) */
const operation = { add: 1, remove: 2, change: 3 } as const;

/** struct epoll_event: flags, then what we gave along. Packed on x86-64 alone. */
const event = process.arch === "x64" ? ({ length: 12, data: 4 } as const) : ({ length: 16, data: 8 } as const);

export class Poll {
  readonly #fd = createPoll();
  readonly #events: Buffer;
  readonly #capacity: number;
  readonly #one = Buffer.from(new ArrayBuffer(event.length));

  /** `capacity`: how many descriptors one {@link wait} tells of; the others come with the next. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#events = Buffer.from(new ArrayBuffer(capacity * event.length));
  }

  /** Watches a descriptor for {@link readiness} flags. */
  add(fd: number, flags: number): void {
    this.#control(operation.add, fd, flags);
  }

  /** Watches a descriptor for other flags than before. */
  change(fd: number, flags: number): void {
    this.#control(operation.change, fd, flags);
  }

  /** Forgets a descriptor that stays open; closed ones are forgotten by the kernel. */
  remove(fd: number): void {
    this.#control(operation.remove, fd, 0);
  }

  /** Waits until a descriptor is ready, at most `milliseconds` (-1: for ever), and tells how many are. */
  wait(milliseconds: number): number {
    return waitPoll(this.#fd, this.#events, this.#capacity, milliseconds);
  }

  /** The descriptor of an event. */
  descriptorOf(index: number): number {
    return this.#events.readInt32LE(index * event.length + event.data);
  }

  /** The flags of an event. */
  flagsOf(index: number): number {
    return this.#events.readUInt32LE(index * event.length);
  }

  close(): void {
    closeSocket(this.#fd);
  }

  #control(op: number, fd: number, flags: number): void {
    this.#one.writeUInt32LE(flags, 0);
    this.#one.writeInt32LE(fd, event.data);
    controlPoll(this.#fd, op, fd, this.#one);
  }
}

/** Makes a descriptor by which another thread wakes one that waits. */
export function createWaker(): number {
  return createEventDescriptor();
}

const one = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
const scratch = Buffer.alloc(8);

/** Makes the descriptor ready. */
export function wake(waker: number): void {
  writeSync(waker, one);
}

/** Takes the readiness away again. */
export function clearWaker(waker: number): void {
  readSync(waker, scratch);
}

/** Closes a descriptor of {@link createWaker}. */
export function closeWaker(waker: number): void {
  closeSocket(waker);
}
