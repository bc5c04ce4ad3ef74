/**
 * Asks a sandbox's nameservers for what is not known here: in their order, by UDP first, the next one where one is silent, fails or refuses, and all that were
 * silent once more. Answers count only if socket, id and question are those of a query under way. Nothing is kept of them, good or bad.
 */
import { DatagramBatch } from "../kernel/inet/datagram.ts";
import { errno } from "../kernel/inet/options.ts";
import { KernelError } from "../kernel/kernel.ts";
import { refusalOf, sendSome } from "../kernel/syscalls.ts";
import { Deadlines } from "./deadlines.ts";
import type { Loop } from "./loop.ts";
import { type Asker, type Forwarding, Pending } from "./pending.ts";
import { createRandomNumbers } from "./random-ids.ts";
import { Upstream, type UpstreamContext, type UpstreamSocket } from "./upstream.ts";
import { UpstreamStream } from "./upstream-stream.ts";
import { codeName, headerLength, highFlag, lowFlag, optLength, responseCode, typeName } from "./wire/constants.ts";
import { cutReply } from "./wire/cut.ts";
import { printedName, questionName } from "./wire/name.ts";
import type { Query } from "./wire/query.ts";
import { ownUdpSize, writeEmptyReply } from "./wire/reply.ts";

/** How long a nameserver may be silent before the next one is asked, milliseconds: the first time, and the second. Stub resolvers give up after 5 s. */
const patience = [1500, 3000] as const;
/** How long a socket to a nameserver takes new queries, milliseconds. */
const socketLifetime = 10_000;
/** Queries of a sandbox under way at a time, and those of them by TCP: libnetwork's limit, and one that bounds descriptors. */
const underWayLimit = 1024;
const streamLimit = 128;
/** So many of all sandboxes are a flood; a sandbox then has only a few, but everyone has those. */
const flood = 32_768;
const underWayInFlood = 32;
/** Answers received by one call. */
const batchSize = 32;

export class Forwarder {
  readonly #loop: Loop;
  readonly #random = createRandomNumbers();
  readonly #batch = new DatagramBatch(batchSize, ownUdpSize);
  readonly #patience = patience.map((after) => new Deadlines<Pending>(after));
  readonly #context: UpstreamContext<Pending>;
  #underWay = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
    const lifetimes = new Deadlines<UpstreamSocket<Pending>>(socketLifetime);
    this.#context = {
      loop,
      randomNumber: this.#random,
      lifetimes,
      receive: (socket) => this.#receive(socket),
    };
    for (const deadlines of this.#patience) loop.expire(deadlines, (pending) => this.#timedOut(pending));
    loop.expire(lifetimes, (socket) => socket.upstream.retire(socket));
  }

  /** A nameserver of a sandbox; `inside` runs its argument in the namespace that it is asked from. */
  upstream(
    index: number,
    address: Upstream<Pending>["address"],
    socketAddress: Uint8Array,
    inside: Upstream<Pending>["inside"],
  ): Upstream<Pending> {
    return new Upstream(this.#context, index, address, socketAddress, inside);
  }

  /**
   * Forwards the query that was read at `start`; its asker gets the reply sooner or later. Undefined, or the response code that it has to be answered with at
   * once: too many are under way.
   */
  forward(
    sandbox: Forwarding,
    asker: Asker,
    bytes: Buffer,
    start: number,
    length: number,
    query: Query,
  ): number | undefined {
    const isStream = asker.transport === "tcp";
    const limit = this.#underWay < flood ? underWayLimit : underWayInFlood;
    if (sandbox.underWay.size >= limit || (isStream && sandbox.streams >= streamLimit)) return responseCode.refused;
    const message = Buffer.from(bytes.subarray(start, start + length));
    const takes = isStream ? 65535 : Math.min(query.udpSize, ownUdpSize);
    // The nameserver's answer comes to us first.
    if (query.edns && query.udpSize > ownUdpSize) message.writeUInt16BE(ownUdpSize, query.optAt + 3);
    const name = questionName(bytes, start, query.nameEnd);
    const pending = new Pending(
      sandbox,
      asker,
      message,
      query,
      takes,
      name === undefined ? "?" : printedName(name),
      typeName(query.type),
    );
    sandbox.underWay.add(pending);
    this.#underWay++;
    sandbox.log.counters.forwarded++;
    this.#ask(pending);
    return undefined;
  }

  /** Ends what is under way for a sandbox that goes; nobody gets a reply. */
  drop(sandbox: Forwarding): void {
    for (const pending of sandbox.underWay) this.#end(pending);
    for (const upstream of sandbox.upstreams) upstream.close();
  }

  /** Asks the nameserver whose turn it is, or the next one that can be asked; fails the query where there is none. */
  #ask(pending: Pending): void {
    const { upstreams } = pending;
    for (; pending.round < patience.length; pending.round++, pending.server = 0) {
      for (; pending.server < upstreams.length; pending.server++) {
        const upstream = upstreams[pending.server];
        if (upstream === undefined || pending.settled.has(pending.server)) continue;
        const refusal =
          pending.asker.transport === "tcp" ? this.#askStream(pending, upstream) : this.#askSocket(pending, upstream);
        if (refusal === undefined) {
          this.#patience[pending.round]?.begin(pending, this.#loop.now);
          return;
        }
        this.#settle(pending, upstream, `cannot be asked: ${refusal}`);
      }
    }
    this.#fail(pending);
  }

  /** Asks by UDP; the reason in words where it cannot be sent. */
  #askSocket(pending: Pending, upstream: Upstream<Pending>): string | undefined {
    let socket: UpstreamSocket<Pending>;
    try {
      socket = upstream.pick();
    } catch (error) {
      return wordsOf(error);
    }
    const id = upstream.freeId(socket);
    pending.message.writeUInt16BE(id, 0);
    let sent = sendSome(socket.fd, pending.message);
    // What an earlier query met is told to the next caller.
    if (sent === -errno.connectionRefused) sent = sendSome(socket.fd, pending.message);
    if (sent < 0) {
      upstream.release(socket, id);
      return refusalOf(-sent).message;
    }
    socket.waiting.set(id, pending);
    pending.tries.push({ end: () => upstream.release(socket, id) });
    return undefined;
  }

  /** Asks by TCP; the reason in words where it cannot be begun. */
  #askStream(pending: Pending, upstream: Upstream<Pending>): string | undefined {
    try {
      pending.tries.push(new UpstreamStream(this.#loop, this, upstream, pending, this.#random()));
      return undefined;
    } catch (error) {
      return wordsOf(error);
    }
  }

  /** Takes what a socket has received. */
  #receive(socket: UpstreamSocket<Pending>): void {
    const count = this.#batch.receive(socket.fd);
    if (count < 0) {
      if (count === -errno.again) return;
      // The kernel tells of an ICMP message: nobody listens there, or nobody gets there.
      const reason = `cannot be asked: ${refusalOf(-count).message}`;
      for (const pending of new Set(socket.waiting.values())) this.#failedAt(pending, socket.upstream, reason);
      return;
    }
    const { bytes, slotLength } = this.#batch;
    for (let slot = 0; slot < count; slot++) {
      const length = this.#batch.lengthOf(slot);
      const start = slot * slotLength;
      if (length < headerLength) continue;
      const pending = socket.waiting.get(bytes.readUInt16BE(start));
      if (pending !== undefined) this.#answered(pending, socket.upstream, bytes, start, length, "udp");
    }
  }

  /** Takes the answer of a stream. */
  answered(stream: UpstreamStream, message: Buffer): void {
    const { pending, upstream, id } = stream;
    const isOurs = message.length >= headerLength && message.readUInt16BE(0) === id;
    if (isOurs && this.#answered(pending, upstream, message, 0, message.length, "tcp")) return;
    this.failed(stream, "it answered something else");
  }

  /** Takes the end of a stream without an answer. */
  failed(stream: UpstreamStream, reason: string): void {
    stream.end();
    const { pending, upstream } = stream;
    if (pending.truncated?.from === upstream)
      this.#deliver(pending, upstream, pending.truncated.answer, 0, pending.truncated.answer.length);
    else this.#failedAt(pending, upstream, `cannot be asked by TCP: ${reason}`);
  }

  /** Handles what may be the answer to a query; whether it was. */
  #answered(
    pending: Pending,
    upstream: Upstream<Pending>,
    bytes: Buffer,
    start: number,
    length: number,
    by: "udp" | "tcp",
  ): boolean {
    const high = bytes[start + 2] ?? 0;
    const code = (bytes[start + 3] ?? 0) & lowFlag.code;
    if ((high & highFlag.response) === 0 || (high & highFlag.operation) !== 0) return false;
    // A server that cannot read a question answers without it.
    const isBare = code !== responseCode.ok && bytes.readUInt16BE(start + 4) === 0;
    if (!isBare && !pending.isAnsweredBy(bytes, start, length)) return false;
    if (isBare || code === responseCode.serverFailure || code === responseCode.refused) {
      this.#failedAt(pending, upstream, `answered ${codeName(code)}`);
    } else if (by === "udp" && (high & highFlag.truncated) !== 0) {
      this.#askAgain(pending, upstream, Buffer.from(bytes.subarray(start, start + length)));
    } else {
      this.#deliver(pending, upstream, bytes, start, length);
    }
    return true;
  }

  /** Asks a nameserver by TCP what it has answered in part. */
  #askAgain(pending: Pending, upstream: Upstream<Pending>, answer: Buffer): void {
    if (pending.truncated !== undefined) return;
    pending.truncated = { answer, from: upstream };
    const mayAsk = pending.sandbox.streams < streamLimit;
    if (!mayAsk || this.#askStream(pending, upstream) !== undefined) {
      this.#deliver(pending, upstream, answer, 0, answer.length);
      return;
    }
    this.#patience[pending.round]?.begin(pending, this.#loop.now);
  }

  /** A nameserver is out of the question; the next one is asked where it was this one's turn. */
  #failedAt(pending: Pending, upstream: Upstream<Pending>, reason: string): void {
    this.#settle(pending, upstream, reason);
    if (pending.standing !== undefined && pending.upstreams[pending.server] === upstream) this.#ask(pending);
  }

  #settle(pending: Pending, upstream: Upstream<Pending>, reason: string): void {
    if (pending.settled.has(upstream.index)) return;
    pending.settled.add(upstream.index);
    pending.said.push(`${upstream.address} ${reason}`);
  }

  #timedOut(pending: Pending): void {
    const upstream = pending.upstreams[pending.server];
    if (pending.truncated !== undefined) {
      const { answer, from } = pending.truncated;
      this.#deliver(pending, from, answer, 0, answer.length);
      return;
    }
    const seconds = (patience[pending.round] ?? 0) / 1000;
    if (upstream !== undefined) pending.said.push(`${upstream.address} did not answer within ${seconds} s`);
    pending.server++;
    this.#ask(pending);
  }

  /** Gives a nameserver's answer to whoever asked, under his id and in his letters. */
  #deliver(pending: Pending, upstream: Upstream<Pending>, bytes: Buffer, start: number, length: number): void {
    const { asker, message, sandbox, questionEnd, limit } = pending;
    const code = (bytes[start + 3] ?? 0) & lowFlag.code;
    const fits = length <= limit;
    const size = fits ? length : cutReply(bytes, start, length, limit, pending.edns ? pending : undefined);
    bytes.writeUInt16BE(pending.id, start);
    message.copy(bytes, start + headerLength, headerLength, questionEnd);
    this.#end(pending);
    asker.reply(bytes, start, size);
    sandbox.log.add(this.#loop.wallTime(), {
      transport: asker.transport,
      name: pending.name,
      type: pending.type,
      code: codeName(code),
      from: upstream.address,
      ...(code !== responseCode.ok && { reason: `not known here, and ${upstream.address} answered ${codeName(code)}` }),
    });
  }

  /** Tells whoever asked that no nameserver answered. */
  #fail(pending: Pending): void {
    const { asker, message, sandbox } = pending;
    const reply = Buffer.alloc(pending.questionEnd + optLength);
    message.copy(reply, 0, 0, pending.questionEnd);
    reply.writeUInt16BE(pending.id, 0);
    const query = { end: pending.questionEnd, edns: pending.edns, dnssecOk: pending.dnssecOk };
    const length = writeEmptyReply(reply, 0, query, responseCode.serverFailure);
    sandbox.log.counters.failed++;
    this.#end(pending);
    asker.reply(reply, 0, length);
    sandbox.log.add(this.#loop.wallTime(), {
      transport: asker.transport,
      name: pending.name,
      type: pending.type,
      code: codeName(responseCode.serverFailure),
      from: "nobody",
      reason: `not known here, and no nameserver answered: ${pending.said.join("; ")}`,
    });
  }

  /** Waits no more for a query's answer. */
  #end(pending: Pending): void {
    pending.leave();
    for (const one of pending.tries) one.end();
    pending.tries.length = 0;
    pending.sandbox.underWay.delete(pending);
    this.#underWay--;
  }
}

const wordsOf = (error: unknown): string =>
  error instanceof KernelError ? error.refusal.message : error instanceof Error ? error.message : String(error);
