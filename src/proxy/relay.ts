/**
 * A proxied connection: two sockets, and what comes by one goes out by the other. What one side does not take stays in the other's queue, in the kernel: nothing is
 * kept here, and whoever sends faster than the other reads is slowed down by TCP itself. An end in one direction goes on as such, a failure as one.
 */
import koffi from "koffi";
import { errno } from "../kernel/inet/options.ts";
import { connectionError, resetAtClose } from "../kernel/inet/stream.ts";
import { readiness } from "../kernel/poll.ts";
import { endWriting, peekSome, sendTo, takeSome } from "../kernel/syscalls.ts";
import { Timed } from "../loop/deadlines.ts";
import type { Handler, Loop } from "../loop/loop.ts";
import type { UnderWay } from "./table.ts";

/** Bytes that go on by one call; and so many calls one after the other, before others have their turn. */
const roomLength = 128 * 1024;
const callsInARow = 4;

/** What lies between two calls: all relays are served by one thread. */
const room = Buffer.from(new ArrayBuffer(roomLength));
const roomAddress = Number(koffi.address(room));

/** Who is told. */
export interface RelayOwner {
  connected(relay: Relay): void;
  ended(relay: Relay): void;
}

/** One of the two sockets. */
class End implements Handler {
  readonly fd: number;
  /** Its peer sends nothing more. */
  isEnded = false;
  /** It takes nothing more for now. */
  isBlocked = false;
  readonly #loop: Loop;
  readonly #onReady: (end: End, flags: number) => void;
  /** What it is watched for; 0: not at all, since the kernel would tell of its end again and again. */
  #watched = 0;

  constructor(loop: Loop, fd: number, onReady: (end: End, flags: number) => void) {
    this.#loop = loop;
    this.fd = fd;
    this.#onReady = onReady;
  }

  ready(flags: number): void {
    this.#onReady(this, flags);
  }

  watch(flags: number): void {
    if (flags === this.#watched) return;
    if (flags === 0) this.#loop.unwatch(this.fd);
    else if (this.#watched === 0) this.#loop.watch(this.fd, flags, this);
    else this.#loop.change(this.fd, flags);
    this.#watched = flags;
  }
}

export class Relay extends Timed implements UnderWay {
  readonly #loop: Loop;
  readonly #owner: RelayOwner;
  readonly #client: End;
  readonly #server: End;
  #isConnected = false;
  #isClosed = false;

  /** Takes over both sockets; the server's is being connected. */
  constructor(loop: Loop, client: number, server: number, owner: RelayOwner) {
    super();
    const ready = (end: End, flags: number): void => this.#ready(end, flags);
    this.#loop = loop;
    this.#owner = owner;
    this.#client = new End(loop, client, ready);
    this.#server = new End(loop, server, ready);
    this.#server.watch(readiness.writable);
  }

  /** Ends the connection, as a failure to both sides. */
  end(): void {
    if (this.#isClosed) return;
    resetAtClose(this.#client.fd);
    resetAtClose(this.#server.fd);
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.leave();
    this.#loop.close(this.#client.fd);
    this.#loop.close(this.#server.fd);
    this.#owner.ended(this);
  }

  #ready(end: End, flags: number): void {
    if (!this.#isConnected && !this.#connect()) return;
    const other = end === this.#client ? this.#server : this.#client;
    if (end.isBlocked && (flags & ~readiness.readable) !== 0) {
      end.isBlocked = false;
      this.#carry(other, end);
    }
    if (!this.#isClosed && (flags & ~readiness.writable) !== 0) this.#carry(end, other);
    if (!this.#isClosed) this.#goOn();
  }

  /** Whether the server has answered. */
  #connect(): boolean {
    if (connectionError(this.#server.fd) < 0) {
      this.end();
      return false;
    }
    this.#isConnected = true;
    this.#owner.connected(this);
    return true;
  }

  #carry(from: End, to: End): void {
    for (let call = 0; call < callsInARow; call++) {
      if (from.isEnded || to.isBlocked) return;
      const count = peekSome(from.fd, room);
      if (count === -errno.again) return;
      if (!pass(from, to, count)) {
        this.end();
        return;
      }
      if (count < roomLength) return;
    }
  }

  /** Watches for what can go on, and ends what is over. */
  #goOn(): void {
    const [client, server] = [this.#client, this.#server];
    if (client.isEnded && server.isEnded) {
      this.#close();
      return;
    }
    client.watch(flagsOf(client, server));
    server.watch(flagsOf(server, client));
  }
}

/** Whether what was looked at could go on: bytes, or the end (0). */
function pass(from: End, to: End, count: number): boolean {
  if (count < 0) return false;
  if (count === 0) {
    from.isEnded = true;
    return endWriting(to.fd) === 0;
  }
  const sent = sendTo(to.fd, roomAddress, count, 0, 0);
  if (sent > 0) takeSome(from.fd, room, sent);
  if (sent < count) to.isBlocked = true;
  return sent >= 0 || sent === -errno.again;
}

const flagsOf = (end: End, other: End): number =>
  (end.isEnded || other.isBlocked ? 0 : readiness.readable) | (end.isBlocked ? readiness.writable : 0);
