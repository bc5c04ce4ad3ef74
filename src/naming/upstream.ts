/**
 * A nameserver as one sandbox asks it by UDP: a few sockets, each connected to it (so that the kernel drops what others send) and at a port that the kernel drew.
 * Each forwarded query goes by one of them, drawn again, with an id drawn anew. A socket serves for some seconds and some hundred queries, then a new port is
 * drawn: a socket for every query costs more than the query.
 */
import type { IpAddress } from "../address/ip.ts";
import { DatagramBatch, openDatagram } from "../kernel/inet/datagram.ts";
import { errno } from "../kernel/inet/options.ts";
import { KernelError } from "../kernel/kernel.ts";
import { readiness } from "../kernel/poll.ts";
import { refusalOf, sendSome } from "../kernel/syscalls.ts";
import { Deadlines, Timed } from "../loop/deadlines.ts";
import type { Handler, Loop } from "../loop/loop.ts";
import type { Server } from "./outlook.ts";
import { createRandomNumbers } from "./random-ids.ts";
import { headerLength } from "./wire/constants.ts";
import { ownUdpSize } from "./wire/reply.ts";

/** One time that a nameserver was asked. */
export interface Try {
  /** Takes no answer any more. */
  end(): void;
}

/** Why something could not be done, in words. */
export function reasonOf(error: unknown): string {
  if (error instanceof KernelError) return error.refusal.message;
  return error instanceof Error ? error.message : String(error);
}

/** Sockets open for new queries at a time, and queries sent by one. */
const openSockets = 4;
const queriesOfSocket = 256;

/** How long a socket takes new queries, milliseconds. */
const socketLifetime = 10_000;
/** Answers received by one call. */
const batchSize = 32;

/** Who takes what comes of queries, each of which is a `Query` to him. */
export interface UpstreamOwner<Query> {
  /** A packet under a query's id: `length` bytes at `start`, there until this returns; not whole where it was longer than what we take. */
  received(
    query: Query,
    upstream: Upstream<Query>,
    bytes: Buffer,
    start: number,
    length: number,
    isWhole: boolean,
  ): void;
  /** The kernel says that the nameserver cannot be reached. */
  unreachable(query: Query, upstream: Upstream<Query>, reason: string): void;
}

/** What all upstreams of the resolver share. */
export class UpstreamContext<Query> {
  readonly loop: Loop;
  readonly randomNumber = createRandomNumbers();
  /** Sockets that still take new queries. */
  readonly lifetimes = new Deadlines<UpstreamSocket<Query>>(socketLifetime);
  readonly #batch = new DatagramBatch(batchSize, ownUdpSize);
  readonly #owner: UpstreamOwner<Query>;

  constructor(loop: Loop, owner: UpstreamOwner<Query>) {
    this.loop = loop;
    this.#owner = owner;
    loop.expire(this.lifetimes, (socket) => socket.upstream.retire(socket));
  }

  /** Takes what a socket has received. */
  receive({ fd, waiting, upstream }: UpstreamSocket<Query>): void {
    const count = this.#batch.receive(fd);
    if (count === -errno.again) return;
    if (count < 0) {
      // An ICMP message came: nobody listens there, or nobody gets there.
      const reason = refusalOf(-count).message;
      for (const query of new Set(waiting.values())) this.#owner.unreachable(query, upstream, reason);
      return;
    }
    const { bytes, slotLength } = this.#batch;
    for (let slot = 0; slot < count; slot++) {
      const received = this.#batch.lengthOf(slot);
      const isWhole = received >= 0;
      const length = isWhole ? received : slotLength;
      if (length < headerLength) continue;
      const start = slot * slotLength;
      const query = waiting.get(bytes.readUInt16BE(start));
      if (query !== undefined) this.#owner.received(query, upstream, bytes, start, length, isWhole);
    }
  }
}

export class UpstreamSocket<Query> extends Timed implements Handler {
  readonly fd: number;
  readonly upstream: Upstream<Query>;
  /** By id. */
  readonly waiting = new Map<number, Query>();
  uses = 0;

  constructor(fd: number, upstream: Upstream<Query>) {
    super();
    this.fd = fd;
    this.upstream = upstream;
  }

  ready(): void {
    this.upstream.context.receive(this);
  }
}

export class Upstream<Query> {
  readonly context: UpstreamContext<Query>;
  /** Its place in the order of the sandbox's nameservers. */
  readonly index: number;
  readonly address: IpAddress;
  readonly socketAddress: Uint8Array;
  /** Runs its argument in the namespace that the nameserver is asked from. */
  readonly inside: <Result>(work: () => Result) => Result;
  #open: UpstreamSocket<Query>[] = [];

  constructor(
    context: UpstreamContext<Query>,
    index: number,
    { address, socketAddress }: Server,
    inside: <Result>(work: () => Result) => Result,
  ) {
    this.context = context;
    this.index = index;
    this.address = address;
    this.socketAddress = socketAddress;
    this.inside = inside;
  }

  /** Sends a query's message under an id of its own; what ends the waiting for its answer, or the reason in words where it cannot be sent. */
  ask(query: Query, message: Buffer): Try | string {
    let socket: UpstreamSocket<Query>;
    try {
      socket = this.#pick();
    } catch (error) {
      return reasonOf(error);
    }
    const id = this.#freeId(socket);
    message.writeUInt16BE(id, 0);
    let sent = sendSome(socket.fd, message);
    // What an earlier query met is told to the next caller.
    if (sent === -errno.connectionRefused) sent = sendSome(socket.fd, message);
    if (sent < 0) {
      this.#release(socket, id);
      return refusalOf(-sent).message;
    }
    socket.waiting.set(id, query);
    return { end: () => this.#release(socket, id) };
  }

  /** A socket for one more query, which {@link #release} gives back. */
  #pick(): UpstreamSocket<Query> {
    const open = this.#open.length < openSockets ? this.#another() : this.#any();
    const socket = open ?? this.#another();
    socket.uses++;
    if (socket.uses === queriesOfSocket) this.#withdraw(socket);
    return socket;
  }

  /** One of the open sockets, drawn. */
  #any(): UpstreamSocket<Query> | undefined {
    return this.#open[this.context.randomNumber() % this.#open.length];
  }

  /** One more socket; one of those that are open where no descriptors are left. */
  #another(): UpstreamSocket<Query> {
    const { loop, lifetimes } = this.context;
    try {
      const fd = this.inside(() => openDatagram({ peer: this.socketAddress }));
      const socket = new UpstreamSocket(fd, this);
      loop.watch(fd, readiness.readable, socket);
      lifetimes.begin(socket, loop.now);
      this.#open.push(socket);
      return socket;
    } catch (error) {
      const open = this.#any();
      if (open === undefined) throw error;
      return open;
    }
  }

  /** An id that no query under way has at a socket. */
  #freeId(socket: UpstreamSocket<Query>): number {
    let id = this.context.randomNumber();
    while (socket.waiting.has(id)) id = this.context.randomNumber();
    return id;
  }

  /** Gives a socket no new queries, and closes it when nothing waits for an answer. */
  retire(socket: UpstreamSocket<Query>): void {
    this.#withdraw(socket);
    if (socket.waiting.size === 0) this.context.loop.close(socket.fd);
  }

  /** Waits no more for the answer to an id. */
  #release(socket: UpstreamSocket<Query>, id: number): void {
    socket.waiting.delete(id);
    if (socket.waiting.size === 0 && !this.#open.includes(socket)) this.context.loop.close(socket.fd);
  }

  /** Closes what is open; what still waits is released by who waits. */
  close(): void {
    for (const socket of this.#open) this.retire(socket);
  }

  #withdraw(socket: UpstreamSocket<Query>): void {
    socket.leave();
    this.#open = this.#open.filter((other) => other !== socket);
  }
}
