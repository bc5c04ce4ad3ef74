/**
 * A nameserver as one sandbox asks it by UDP: a few sockets, each connected to it (so that the kernel drops what others send) and at a port that the kernel drew.
 * Each forwarded query goes by one of them, drawn again, with an id drawn anew. A socket serves for some seconds and some hundred queries, then a new port is
 * drawn: a socket for every query costs more than the query.
 */
import type { IpAddress } from "../address/ip.ts";
import { openDatagram } from "../kernel/inet/datagram.ts";
import { readiness } from "../kernel/poll.ts";
import { type Deadlines, Timed } from "./deadlines.ts";
import type { Handler, Loop } from "./loop.ts";

/** Sockets open for new queries at a time, and queries sent by one. */
const openSockets = 4;
const queriesOfSocket = 256;

/** What all upstreams of the resolver share; `Query` is what waits for an answer. */
export interface UpstreamContext<Query> {
  readonly loop: Loop;
  readonly randomNumber: () => number;
  /** Sockets that still take new queries, until they have done so for long enough. */
  readonly lifetimes: Deadlines<UpstreamSocket<Query>>;
  /** Takes what a socket has received. */
  receive(socket: UpstreamSocket<Query>): void;
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
    address: IpAddress,
    socketAddress: Uint8Array,
    inside: <Result>(work: () => Result) => Result,
  ) {
    this.context = context;
    this.index = index;
    this.address = address;
    this.socketAddress = socketAddress;
    this.inside = inside;
  }

  /** A socket for one more query, which {@link release} gives back; throws KernelError. */
  pick(): UpstreamSocket<Query> {
    const { loop, randomNumber, lifetimes } = this.context;
    let socket = this.#open.length < openSockets ? undefined : this.#open[randomNumber() % openSockets];
    if (socket === undefined) {
      const fd = this.inside(() => openDatagram({ peer: this.socketAddress }));
      socket = new UpstreamSocket(fd, this);
      loop.watch(fd, readiness.readable, socket);
      lifetimes.begin(socket, loop.now);
      this.#open.push(socket);
    }
    socket.uses++;
    if (socket.uses === queriesOfSocket) this.#withdraw(socket);
    return socket;
  }

  /** An id that no query under way has at a socket. */
  freeId(socket: UpstreamSocket<Query>): number {
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
  release(socket: UpstreamSocket<Query>, id: number): void {
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
