/**
 * Datagrams that the firewall sent to the proxy. All come to one socket; each peer of a published port has one of its own towards the sandbox, by which answers find
 * back, until nothing has gone either way for a while.
 */

import { ipToBytes } from "../address/ip.ts";
import { openDatagram } from "../kernel/inet/datagram.ts";
import { AnswerRoom, DirectedBatch, openDirected, type WayBack } from "../kernel/inet/directed.ts";
import { KernelError } from "../kernel/kernel.ts";
import type { Flow } from "../kernel/netlink/conntrack/flow.ts";
import { readiness } from "../kernel/poll.ts";
import { Deadlines, Timed } from "../loop/deadlines.ts";
import type { Handler, Loop } from "../loop/loop.ts";
import type { ProxiedTable, Target, UnderWay } from "./table.ts";
import { Tracked } from "./tracked.ts";

/** The longest datagram there is, and how many are taken by one call. */
const longest = 65_536;
const batchSize = 8;
/** Bytes of datagrams that may wait. */
const receiveBuffer = 1 << 21;
/** Batches, and answers of one sandbox, that are taken before others have their turn. */
const batchesInARow = 8;
const answersInARow = 64;
/** How long nothing goes either way until a flow is forgotten, milliseconds: as with docker's proxy. */
const idleTime = 90_000;
/** Flows at a time: beyond, the one on which nothing has happened for longest is forgotten. */
const flowLimit = 4096;
/** So many times a second the kernel is asked where a peer's datagrams were to go; those of more are dropped. */
const questionLimit = 10_000;
const second = 1000;
/**
 * After such a pause of a peer it is asked anew, milliseconds: the kernel may have forgotten where to, and the same peer's datagrams may be for another port now. It remembers for a
 * number of whole seconds (nf_conntrack_udp_timeout).
 */
const trusted = second;

/** One peer of a published port. */
class PeerFlow extends Timed implements Handler, UnderWay {
  readonly key: string;
  /** The socket towards the sandbox. */
  readonly fd: number;
  readonly target: Target;
  /** What the kernel tracks of it. */
  tracked: Flow;
  /** When the peer sent last, milliseconds of the loop. */
  sentAt: number;
  readonly way: WayBack;
  readonly #owner: Datagrams;

  constructor(owner: Datagrams, parts: Pick<PeerFlow, "key" | "fd" | "target" | "tracked" | "way" | "sentAt">) {
    super();
    this.#owner = owner;
    this.key = parts.key;
    this.fd = parts.fd;
    this.target = parts.target;
    this.tracked = parts.tracked;
    this.way = parts.way;
    this.sentAt = parts.sentAt;
  }

  ready(): void {
    this.#owner.answer(this);
  }

  end(): void {
    this.#owner.end(this);
  }

  expire(): void {
    this.#owner.drop(this);
  }
}

/**
 * What stays while the proxy is started and stopped: room, deadlines, and the socket by which connection tracking is asked. To close that one right after something was deleted from the
 * firewall takes the kernel 25 ms (nft_rcv_nl_event waits until no packet can see what was deleted).
 */
export class DatagramRoom {
  readonly batch = new DirectedBatch(batchSize, longest);
  readonly answer = new AnswerRoom(longest);
  readonly idle = new Deadlines<PeerFlow>(idleTime);
  #tracked: Tracked | undefined;

  constructor(loop: Loop) {
    loop.expire(this.idle, (flow) => flow.expire());
  }

  /** What connection tracking knows. Throws KernelError. */
  get tracked(): Tracked {
    this.#tracked ??= new Tracked();
    return this.#tracked;
  }

  close(): void {
    this.#tracked?.close();
  }
}

export class Datagrams implements Handler {
  readonly #loop: Loop;
  readonly #room: DatagramRoom;
  readonly #table: ProxiedTable;
  readonly #port: number;
  readonly #fd: number;
  readonly #flows = new Map<string, PeerFlow>();
  /** Questions in the second that began then. */
  #questions = 0;
  #questionsSince = 0;

  /** Begins to receive at a port of all IPv6 addresses; throws KernelError. */
  constructor(loop: Loop, room: DatagramRoom, table: ProxiedTable, port: number) {
    this.#loop = loop;
    this.#room = room;
    this.#table = table;
    this.#port = port;
    this.#fd = openDirected(port, receiveBuffer);
    loop.watch(this.#fd, readiness.readable, this);
  }

  /** Receives no more. Flows are ended by the targets that they go to. */
  close(): void {
    this.#loop.close(this.#fd);
  }

  ready(): void {
    const { batch } = this.#room;
    for (let taken = 0; taken < batchesInARow; taken++) {
      const count = batch.receive(this.#fd);
      for (let slot = 0; slot < count; slot++) this.#take(slot);
      if (count < batchSize) return;
    }
  }

  #take(slot: number): void {
    const { batch } = this.#room;
    const length = batch.lengthOf(slot);
    if (length < 0) return;
    const flow = this.#flowOf(slot);
    if (flow === undefined) return;
    flow.sentAt = this.#loop.now;
    // One that cannot be sent is lost, as datagrams are; a refusal that an earlier one met is told here, and is the peer's to notice.
    if (batch.sendOn(slot, length, flow.fd) < 0) batch.sendOn(slot, length, flow.fd);
    this.#room.idle.begin(flow, this.#loop.now);
  }

  /** The flow to which a datagram belongs; undefined where it leads nowhere. */
  #flowOf(slot: number): PeerFlow | undefined {
    const { batch } = this.#room;
    const key = batch.keyOf(slot);
    const known = this.#flows.get(key);
    if (known !== undefined && this.#loop.now - known.sentAt < trusted) return known;
    if (!this.#mayAsk()) return undefined;
    const tracked = this.#room.tracked.flowOf(batch.peerOf(slot), batch.ownOf(slot), this.#port);
    if (known !== undefined) {
      if (tracked !== undefined && isForSame(tracked, known.tracked)) {
        known.tracked = tracked;
        return known;
      }
      this.drop(known);
    }
    // Sent to the proxy itself, by nobody's leave.
    if (tracked === undefined || tracked.destinationPort === this.#port) return undefined;
    return this.#begin(slot, key, tracked);
  }

  #begin(slot: number, key: string, tracked: Flow): PeerFlow | undefined {
    const { batch, idle } = this.#room;
    const target = this.#table.find("udp", ipToBytes(tracked.destination), tracked.destinationPort);
    if (target === undefined) {
      // The port is proxied no more, and the peer has never paused since: its next datagram is looked at anew.
      this.#room.tracked.forget(tracked);
      return undefined;
    }
    if (this.#flows.size >= flowLimit) idle.take(Number.POSITIVE_INFINITY)?.expire();
    let fd: number;
    try {
      fd = openDatagram({ peer: target.socketAddress(tracked.destinationPort) });
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
    const flow = new PeerFlow(this, { key, fd, target, tracked, way: batch.wayBackOf(slot), sentAt: this.#loop.now });
    this.#flows.set(key, flow);
    target.underWay.add(flow);
    this.#loop.watch(fd, readiness.readable, flow);
    return flow;
  }

  #mayAsk(): boolean {
    const { now } = this.#loop;
    if (now - this.#questionsSince >= second) {
      this.#questionsSince = now;
      this.#questions = 0;
    }
    return ++this.#questions <= questionLimit;
  }

  /** Takes what the sandbox sends back. */
  answer(flow: PeerFlow): void {
    const { answer, idle } = this.#room;
    for (let taken = 0; taken < answersInARow; taken++) {
      const length = answer.receive(flow.fd);
      // Refusals, too: nobody listens there yet, or no more.
      if (length < 0) break;
      answer.sendBack(this.#fd, length, flow.way);
    }
    idle.begin(flow, this.#loop.now);
  }

  /** Forgets a flow; what comes next of the same peer begins another. */
  drop(flow: PeerFlow): void {
    flow.leave();
    flow.target.underWay.delete(flow);
    this.#flows.delete(flow.key);
    this.#loop.close(flow.fd);
  }

  /** Ends a flow whose port is proxied no more: what comes next of the same peer is for whoever has the port then. */
  end(flow: PeerFlow): void {
    this.drop(flow);
    this.#room.tracked.forget(flow.tracked);
  }
}

/** Whether datagrams of both were to go to the same port of the host. */
const isForSame = (one: Flow, other: Flow): boolean =>
  one.destinationPort === other.destinationPort && one.destination === other.destination;
