/** One query to a nameserver by TCP (RFC 1035 §4.2.2), for answers that UDP cut short and for askers that came by TCP: a connection for each. */

import { errno } from "../kernel/inet/options.ts";
import { connectStream } from "../kernel/inet/stream.ts";
import { readiness } from "../kernel/poll.ts";
import { receiveSome, refusalOf, sendSome } from "../kernel/syscalls.ts";
import type { Handler, Loop } from "../loop/loop.ts";
import type { Pending } from "./pending.ts";
import type { Try, Upstream } from "./upstream.ts";

/** Bytes of the length before each message, and of the longest message with it. */
const prefix = 2;
const longest = 65535 + prefix;

/** Room for what one call reads: all streams are read by one thread. */
const scratch = Buffer.from(new ArrayBuffer(longest));

/** Who takes what becomes of it. */
export interface StreamOwner {
  answered(stream: UpstreamStream, message: Buffer): void;
  failed(stream: UpstreamStream, reason: string): void;
}

export class UpstreamStream implements Handler, Try {
  readonly pending: Pending;
  readonly upstream: Upstream<Pending>;
  readonly id: number;
  readonly #loop: Loop;
  readonly #owner: StreamOwner;
  readonly #fd: number;
  #unsent: Buffer;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;

  /** Begins to ask; throws KernelError where no connection can be begun. */
  constructor(loop: Loop, owner: StreamOwner, upstream: Upstream<Pending>, pending: Pending, id: number) {
    this.#loop = loop;
    this.#owner = owner;
    this.upstream = upstream;
    this.pending = pending;
    this.id = id;
    this.#unsent = Buffer.allocUnsafe(prefix + pending.message.length);
    this.#unsent.writeUInt16BE(pending.message.length, 0);
    pending.message.copy(this.#unsent, prefix);
    this.#unsent.writeUInt16BE(id, prefix);
    this.#fd = upstream.inside(() => connectStream(upstream.socketAddress));
    loop.watch(this.#fd, readiness.writable, this);
    pending.sandbox.streams++;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.pending.sandbox.streams--;
    this.#loop.close(this.#fd);
  }

  ready(): void {
    if (this.#unsent.length > 0) this.#send();
    else this.#receive();
  }

  #send(): void {
    const sent = sendSome(this.#fd, this.#unsent);
    if (sent === -errno.again) return;
    if (sent < 0) {
      this.#owner.failed(this, refusalOf(-sent).message);
      return;
    }
    this.#unsent = this.#unsent.subarray(sent);
    if (this.#unsent.length === 0) this.#loop.change(this.#fd, readiness.readable);
  }

  #receive(): void {
    const count = receiveSome(this.#fd, scratch);
    if (count === -errno.again) return;
    if (count < 0) {
      this.#owner.failed(this, refusalOf(-count).message);
      return;
    }
    if (count === 0) {
      this.#owner.failed(this, "it closed the connection");
      return;
    }
    this.#received = Buffer.concat([this.#received, scratch.subarray(0, count)]);
    if (this.#received.length < prefix) return;
    const end = prefix + this.#received.readUInt16BE(0);
    if (this.#received.length >= end) this.#owner.answered(this, this.#received.subarray(prefix, end));
  }
}
