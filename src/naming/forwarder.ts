/**
 * Asks a sandbox's nameservers for what is not known here: in their order, by UDP first, the next one where one is silent, fails or refuses, and all that were
 * silent once more. Answers count only if socket, id and question are those of a query under way. Nothing is kept of them, good or bad.
 */

import { Deadlines } from "../loop/deadlines.ts";
import type { Loop } from "../loop/loop.ts";
import { emptyTruncated, replyWithAnswer, replyWithCode } from "./conclusion.ts";
import type { Server } from "./outlook.ts";
import { type Asker, type Forwarding, Pending } from "./pending.ts";
import type { LogLine } from "./query-log.ts";
import { reasonOf, type Try, Upstream, UpstreamContext, type UpstreamOwner } from "./upstream.ts";
import { type StreamOwner, UpstreamStream } from "./upstream-stream.ts";
import { codeName, headerLength, highFlag, lowFlag, responseCode, typeName } from "./wire/constants.ts";
import { printedName, questionName } from "./wire/name.ts";
import type { Query } from "./wire/query.ts";
import { ownUdpSize } from "./wire/reply.ts";

/** How long a nameserver may be silent before the next one is asked, milliseconds: the first time, and the second. Stub resolvers give up after 5 s. */
const patience = [1500, 3000] as const;
/** Queries of a sandbox under way at a time, and those of them by TCP: libnetwork's limit, and one that bounds descriptors. */
const underWayLimit = 1024;
const streamLimit = 128;
/** So many of all sandboxes are a flood; a sandbox then has only a few, but everyone has those. */
const flood = 32_768;
const underWayInFlood = 32;

export class Forwarder implements UpstreamOwner<Pending>, StreamOwner {
  readonly #loop: Loop;
  readonly #patience = patience.map((after) => new Deadlines<Pending>(after));
  readonly #context: UpstreamContext<Pending>;
  #underWay = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
    this.#context = new UpstreamContext(loop, this);
    for (const deadlines of this.#patience) loop.expire(deadlines, (pending) => this.#timedOut(pending));
  }

  /** A nameserver of a sandbox, in whose order it is the one at `index`; `inside` runs its argument in the namespace that it is asked from. */
  upstream(index: number, server: Server, inside: Upstream<Pending>["inside"]): Upstream<Pending> {
    return new Upstream(this.#context, index, server, inside);
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
  }

  /** Asks the nameserver whose turn it is, or the next one that can be asked; fails the query where there is none. */
  #ask(pending: Pending): void {
    const { upstreams } = pending;
    for (; pending.round < patience.length; pending.round++, pending.server = 0) {
      for (; pending.server < upstreams.length; pending.server++) {
        const upstream = upstreams[pending.server];
        if (upstream === undefined || pending.settled.has(pending.server)) continue;
        const asked =
          pending.asker.transport === "tcp"
            ? this.#askStream(pending, upstream)
            : upstream.ask(pending, pending.message);
        if (typeof asked !== "string") {
          pending.tries.push(asked);
          this.#patience[pending.round]?.begin(pending, this.#loop.now);
          return;
        }
        this.#settle(pending, upstream, `cannot be asked: ${asked}`);
      }
    }
    this.#fail(pending);
  }

  /** Asks by TCP. */
  #askStream(pending: Pending, upstream: Upstream<Pending>): Try | string {
    try {
      return new UpstreamStream(this.#loop, this, upstream, pending, this.#context.randomNumber());
    } catch (error) {
      return reasonOf(error);
    }
  }

  received(
    pending: Pending,
    upstream: Upstream<Pending>,
    bytes: Buffer,
    start: number,
    length: number,
    isWhole: boolean,
  ): void {
    this.#answered(pending, upstream, bytes, start, length, isWhole ? "udp" : "cut udp");
  }

  unreachable(pending: Pending, upstream: Upstream<Pending>, reason: string): void {
    this.#failedAt(pending, upstream, `cannot be asked: ${reason}`);
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
    by: "udp" | "cut udp" | "tcp",
  ): boolean {
    const high = bytes[start + 2] ?? 0;
    const code = (bytes[start + 3] ?? 0) & lowFlag.code;
    if ((high & highFlag.response) === 0 || (high & highFlag.operation) !== 0) return false;
    // A server that cannot read a question answers without it.
    const isBare = code !== responseCode.ok && bytes.readUInt16BE(start + 4) === 0;
    if (!isBare && !pending.isAnsweredBy(bytes, start, length)) return false;
    if (code === responseCode.serverFailure || code === responseCode.refused) {
      this.#failedAt(pending, upstream, `answered ${codeName(code)}`);
    } else if (isBare) {
      this.#conclude(
        pending,
        code,
        upstream.address,
        `not known here, and ${upstream.address} answered ${codeName(code)}`,
      );
    } else if (by === "cut udp") {
      this.#askAgain(pending, upstream, emptyTruncated(bytes, start, pending.questionEnd));
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
    const asked = mayAsk ? this.#askStream(pending, upstream) : "too many are asked by TCP";
    if (typeof asked === "string") {
      this.#deliver(pending, upstream, answer, 0, answer.length);
      return;
    }
    pending.tries.push(asked);
    this.#patience[pending.round]?.begin(pending, this.#loop.now);
  }

  /** A nameserver is out of the question; the next one is asked where it was this one's turn. */
  #failedAt(pending: Pending, upstream: Upstream<Pending>, reason: string): void {
    this.#settle(pending, upstream, reason);
    if (pending.standing !== undefined && pending.upstreams[pending.server] === upstream) this.#ask(pending);
  }

  #settle(pending: Pending, upstream: Upstream<Pending>, reason: string): void {
    if (pending.settled.has(upstream.index)) return;
    pending.settled = new Set([...pending.settled, upstream.index]);
    pending.said = [...pending.said, `${upstream.address} ${reason}`];
  }

  #timedOut(pending: Pending): void {
    const upstream = pending.upstreams[pending.server];
    if (pending.truncated !== undefined) {
      const { answer, from } = pending.truncated;
      this.#deliver(pending, from, answer, 0, answer.length);
      return;
    }
    const seconds = (patience[pending.round] ?? 0) / 1000;
    if (upstream !== undefined) {
      pending.said = [...pending.said, `${upstream.address} did not answer within ${seconds} s`];
    }
    pending.server++;
    this.#ask(pending);
  }

  #deliver(pending: Pending, upstream: Upstream<Pending>, bytes: Buffer, start: number, length: number): void {
    const code = (bytes[start + 3] ?? 0) & lowFlag.code;
    this.#end(pending);
    replyWithAnswer(pending, bytes, start, length);
    const { address } = upstream;
    const reason = code === responseCode.ok ? undefined : `not known here, and ${address} answered ${codeName(code)}`;
    this.#record(pending, code, address, reason);
  }

  /** Tells whoever asked that no nameserver answered. */
  #fail(pending: Pending): void {
    pending.sandbox.log.counters.failed++;
    const reason = `not known here, and no nameserver answered: ${pending.said.join("; ")}`;
    this.#conclude(pending, responseCode.serverFailure, "nobody", reason);
  }

  #conclude(pending: Pending, code: number, from: LogLine["from"], reason: string): void {
    this.#end(pending);
    replyWithCode(pending, code);
    this.#record(pending, code, from, reason);
  }

  #record(
    { asker, sandbox, name, type }: Pending,
    code: number,
    from: LogLine["from"],
    reason: string | undefined,
  ): void {
    sandbox.log.add(Date.now(), {
      transport: asker.transport,
      name,
      type,
      code: codeName(code),
      from,
      ...(reason !== undefined && { reason }),
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
