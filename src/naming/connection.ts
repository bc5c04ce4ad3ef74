/**
 * A TCP connection of somebody in a sandbox (RFC 7766): queries with their length before them, any number after each other without waiting; replies in the order in
 * which they are known.
 */
import { errno } from "../kernel/inet/options.ts";
import { readiness } from "../kernel/poll.ts";
import { receiveSome, sendSome } from "../kernel/syscalls.ts";
import { Timed } from "../loop/deadlines.ts";
import type { Handler, Loop } from "../loop/loop.ts";
import type { Asker } from "./pending.ts";

/** Bytes of the length before each message. */
const prefix = 2;
/** The longest query taken: nobody's is longer, and what cannot be one ends the connection. */
const longestQuery = 4096;
/** Queries of a connection that may be under way, and bytes of replies that it has not taken; beyond, nothing more is read from it. */
const underWayLimit = 64;
const unsentLimit = 64 * 1024;

/** Room for what one call reads, and for a reply with its length: all connections are served by one thread. */
const scratch = Buffer.from(new ArrayBuffer(16 * 1024));
const message = Buffer.from(new ArrayBuffer(65535 + prefix));

const nothing = Buffer.alloc(0);

/** Who answers the queries of a connection. */
export interface ConnectionOwner {
  /**
   * Answers the query of `length` bytes at `start`, in its place, which has room for `room` bytes: bytes of the reply, 0 for none, -1 where `asker` gets it
   * later.
   */
  query(asker: Asker, bytes: Buffer, start: number, length: number, room: number): number;
  /** The connection did something: its idle time begins again. */
  active(connection: Connection): void;
  closed(connection: Connection): void;
}

export class Connection extends Timed implements Handler, Asker {
  readonly transport = "tcp";
  readonly #loop: Loop;
  readonly #fd: number;
  readonly #owner: ConnectionOwner;
  /** What was read and not taken yet: not whole, or too much at once. */
  #read: Buffer = nothing;
  /** Replies that the asker has not taken yet. */
  #unsent: Buffer | undefined;
  #underWay = 0;
  /** The asker sends nothing more. */
  #finished = false;
  #closed = false;
  #flags: number = readiness.readable;

  constructor(loop: Loop, fd: number, owner: ConnectionOwner) {
    super();
    this.#loop = loop;
    this.#fd = fd;
    this.#owner = owner;
    loop.watch(fd, this.#flags, this);
  }

  /** Whether nobody waits for a reply on it. */
  get isIdle(): boolean {
    return this.#underWay === 0 && this.#unsent === undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.leave();
    this.#loop.close(this.#fd);
    this.#owner.closed(this);
  }

  ready(flags: number): void {
    if ((flags & readiness.writable) !== 0 && this.#unsent !== undefined) this.#send(this.#unsent);
    if (!this.#closed && (flags & ~readiness.writable) !== 0) this.#receive();
    this.#goOn();
  }

  reply(bytes: Buffer, start: number, length: number): void {
    this.#underWay--;
    if (this.#closed) return;
    bytes.copy(message, prefix, start, start + length);
    this.#write(length);
    this.#owner.active(this);
    this.#goOn();
  }

  get #isFull(): boolean {
    return this.#underWay >= underWayLimit || (this.#unsent?.length ?? 0) >= unsentLimit;
  }

  #receive(): void {
    const count = receiveSome(this.#fd, scratch);
    if (count === -errno.again) return;
    if (count < 0) {
      this.close();
      return;
    }
    if (count === 0) this.#finished = true;
    else this.#read = Buffer.concat([this.#read, scratch.subarray(0, count)]);
  }

  /** Takes queries that have come whole, as long as there is room for their replies. */
  #take(): void {
    let rest = this.#read;
    while (rest.length >= prefix && !this.#isFull && !this.#closed) {
      const length = rest.readUInt16BE(0);
      if (length > longestQuery) {
        this.close();
        return;
      }
      if (rest.length < prefix + length) break;
      // What is taken is gone before anybody answers: a reply may come at once, and go on here.
      this.#read = rest.subarray(prefix + length);
      this.#query(rest.subarray(prefix, prefix + length));
      rest = this.#read;
    }
  }

  #query(query: Buffer): void {
    query.copy(message, prefix);
    const size = this.#owner.query(this, message, prefix, query.length, message.length - prefix);
    this.#owner.active(this);
    if (size > 0) this.#write(size);
    else if (size < 0) this.#underWay++;
    // What is no query has no business here.
    else this.close();
  }

  /** Sends the reply of `length` bytes that lies behind the prefix of `message`. */
  #write(length: number): void {
    message.writeUInt16BE(length, 0);
    const reply = message.subarray(0, prefix + length);
    if (this.#unsent === undefined) this.#send(reply);
    else this.#unsent = Buffer.concat([this.#unsent, reply]);
  }

  #send(bytes: Buffer): void {
    const sent = sendSome(this.#fd, bytes);
    if (sent < 0 && sent !== -errno.again) {
      this.close();
      return;
    }
    const rest = bytes.subarray(Math.max(0, sent));
    this.#unsent = rest.length === 0 ? undefined : Buffer.from(rest);
  }

  /** Takes queries, watches for what can go on, and ends what is over. */
  #goOn(): void {
    this.#take();
    if (this.#closed) return;
    if (this.#finished && this.isIdle) {
      this.close();
      return;
    }
    const flags =
      (this.#isFull || this.#finished ? 0 : readiness.readable) | (this.#unsent === undefined ? 0 : readiness.writable);
    if (flags === this.#flags) return;
    this.#flags = flags;
    this.#loop.change(this.#fd, flags);
  }
}
