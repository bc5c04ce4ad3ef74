/** Connections that the firewall sent to the proxy: accepted, led to the sandbox that they were to reach, or turned away. */
import { encodeSocketAddress } from "../kernel/inet/address.ts";
import { errno } from "../kernel/inet/options.ts";
import {
  acceptStream,
  connectStream,
  keepAlive,
  listenStream,
  originalDestination,
  resetAtClose,
  sendAtOnce,
} from "../kernel/inet/stream.ts";
import { KernelError } from "../kernel/kernel.ts";
import { readiness } from "../kernel/poll.ts";
import { closeSocket } from "../kernel/syscalls.ts";
import { Deadlines, Timed } from "../loop/deadlines.ts";
import type { Handler, Loop } from "../loop/loop.ts";
import { Relay, type RelayOwner } from "./relay.ts";
import type { ProxiedTable, Target } from "./table.ts";

/** Connections that may wait to be accepted; the kernel takes net.core.somaxconn where that is less. */
const backlog = 4096;
/** Connections accepted before others have their turn. */
const acceptedInARow = 64;
/** Connections at a time: beyond, they are turned away. Each takes two descriptors. */
const connectionLimit = 8192;
/** How long a sandbox may take to accept a connection, milliseconds. */
const connectTime = 10_000;
/** How long nothing is accepted where no descriptors are left, milliseconds. */
const restTime = 500;

/** What stays while the proxy is started and stopped: its deadlines. */
export class StreamTimes {
  readonly connecting = new Deadlines<Relay>(connectTime);
  readonly resting = new Deadlines<Streams>(restTime);

  constructor(loop: Loop) {
    loop.expire(this.connecting, (relay) => relay.end());
    loop.expire(this.resting, (streams) => streams.goOn());
  }
}

export class Streams extends Timed implements Handler {
  readonly #loop: Loop;
  readonly #times: StreamTimes;
  readonly #table: ProxiedTable;
  readonly #port: number;
  readonly #fd: number;
  #count = 0;

  /** Begins to listen at a port of all IPv6 addresses; throws KernelError. */
  constructor(loop: Loop, times: StreamTimes, table: ProxiedTable, port: number) {
    super();
    this.#loop = loop;
    this.#times = times;
    this.#table = table;
    this.#port = port;
    this.#fd = listenStream(encodeSocketAddress(new Uint8Array(16), port), { ipv6Only: true, backlog });
    sendAtOnce(this.#fd);
    keepAlive(this.#fd);
    loop.watch(this.#fd, readiness.readable, this);
  }

  /** Listens no more. Connections are ended by the targets that they go to. */
  close(): void {
    this.leave();
    this.#loop.close(this.#fd);
  }

  /** Accepts again after a rest. */
  goOn(): void {
    this.#loop.change(this.#fd, readiness.readable);
  }

  ready(): void {
    for (let taken = 0; taken < acceptedInARow; taken++) {
      const fd = acceptStream(this.#fd);
      if (fd >= 0) this.#take(fd);
      else if (fd !== -errno.aborted) {
        if (fd !== -errno.again) this.#rest();
        return;
      }
    }
  }

  #rest(): void {
    this.#loop.change(this.#fd, 0);
    this.#times.resting.begin(this, this.#loop.now);
  }

  #take(client: number): void {
    const original = originalDestination(client);
    const port = original?.readUInt16BE(2);
    const target =
      original === undefined || port === undefined || port === this.#port || this.#count >= connectionLimit
        ? undefined
        : this.#table.find("tcp", original.subarray(8, 24), port);
    if (target === undefined || port === undefined || !this.#relay(client, target, port)) {
      resetAtClose(client);
      closeSocket(client);
    }
  }

  /** Whether the connection is on its way. */
  #relay(client: number, target: Target, port: number): boolean {
    let server: number;
    try {
      server = connectStream(target.socketAddress(port));
    } catch (error) {
      if (error instanceof KernelError) return false;
      throw error;
    }
    sendAtOnce(server);
    const owner: RelayOwner = {
      connected: (one) => one.leave(),
      ended: (one) => {
        target.underWay.delete(one);
        this.#count--;
      },
    };
    const relay = new Relay(this.#loop, client, server, owner);
    this.#count++;
    target.underWay.add(relay);
    this.#times.connecting.begin(relay, this.#loop.now);
    return true;
  }
}
