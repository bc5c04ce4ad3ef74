/**
 * A netlink socket (man 7 netlink): requests and their answers, matched by sequence number. Calls block until the kernel has answered, which
 * it does while the request is being sent; a receive time-out guards against an answer that was lost.
 */
import { read } from "node:fs";
import { KernelError, type KernelRefusal, type NetlinkFamily } from "../kernel.ts";
import {
  attachFilter,
  bind,
  closeSocket,
  hasInterface,
  interfaceIndex,
  netlinkDomain,
  rawSocket,
  realLength,
  receive,
  refusalOf,
  send,
  sendAside,
  setSocketOption,
  socket,
  socketAddress,
} from "../syscalls.ts";
import { malformed, readAttributes } from "./attribute.ts";
import { traceReceived, traceSent, tracing } from "./debug.ts";
import { notCausedBy } from "./filter.ts";
import {
  decodeMessages,
  encodeMessages,
  headerLength,
  messageFlag,
  messageType,
  type NetlinkMessage,
  type ReceivedMessage,
} from "./message.ts";

/** NETLINK_ROUTE, NETLINK_NETFILTER, NETLINK_XFRM */
const protocols: Readonly<Record<NetlinkFamily, number>> = { route: 0, netfilter: 12, conntrack: 12, xfrm: 6 };

/** SOL_SOCKET and SOL_NETLINK with the options used. */
const socketLevel = 1;
const netlinkLevel = 270;
/** SO_RCVTIMEO, SO_SNDBUFFORCE, SO_RCVBUFFORCE */
const receiveTimeout = 20;
const sendBuffer = 32;
const receiveBuffer = 33;
/** NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK */
const addMembership = 1;
const cappedAcknowledgement = 10;
const extendedAcknowledgement = 11;
const strictChecking = 12;

/** EINTR */
const interrupted = 4;

/** NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS */
const refusalText = 1;
const refusalOffset = 2;

/** Datagrams hold up to 32 KiB of a dump; a single large answer may be longer. */
const datagramLimit = 256 * 1024;
/** One for all sockets of a thread: a call has copied or decoded what it received before it returns. */
const incoming = Buffer.alloc(datagramLimit);

/** After that an answer is lost, milliseconds. */
const answerTimeout = 60_000;
/** How long a watch waits at a time, milliseconds. */
const watchInterval = 200;
const emptyRequest: NetlinkMessage = { type: messageType.noop, flags: 0, body: new Uint8Array() };

/** A dump of a table that keeps changing is given up after so many tries. */
const dumpTries = 20;
/** A refusal of each costs a place in the receive buffer, which should never overflow. */
const messagesPerSend = 128;

export interface NetlinkSocketOptions {
  /** Multicast groups whose notifications it receives. */
  readonly groups?: readonly number[];
  /** Port id of a socket whose own doing is not told: of the ruleset's changes. Those of links mostly carry no port id. */
  readonly deafTo?: number;
}

/** An open netlink socket of the namespace in which it was made. */
export class NetlinkSocket {
  readonly #descriptor: number;
  #sequence = 1;

  constructor(family: NetlinkFamily, { groups = [], deafTo }: NetlinkSocketOptions = {}) {
    this.#descriptor = socket(netlinkDomain, rawSocket, protocols[family]);
    try {
      // struct sockaddr_nl: AF_NETLINK, and a port id of 0 for one of the kernel's choice.
      bind(this.#descriptor, Uint8Array.of(netlinkDomain, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
      setSocketOption(this.#descriptor, netlinkLevel, extendedAcknowledgement, 1);
      setSocketOption(this.#descriptor, netlinkLevel, cappedAcknowledgement, 1);
      if (family === "route") setSocketOption(this.#descriptor, netlinkLevel, strictChecking, 1);
      this.#limitWaiting(answerTimeout);
      // A transaction is one datagram, and 10,000 set elements are half a megabyte.
      if (family === "netfilter") this.#growBuffers(16 * 1024 * 1024);
      if (groups.length > 0) this.#growBuffers(4 * 1024 * 1024);
      if (deafTo !== undefined) attachFilter(this.#descriptor, notCausedBy(deafTo));
      for (const group of groups) setSocketOption(this.#descriptor, netlinkLevel, addMembership, group);
    } catch (error) {
      closeSocket(this.#descriptor);
      throw error;
    }
  }

  /** What the kernel calls the socket by (struct sockaddr_nl, nl_pid): notifications of changes that it made carry it. */
  get portId(): number {
    return socketAddress(this.#descriptor, 12).readUInt32LE(4);
  }

  /** How long a receive waits, milliseconds. */
  #limitWaiting(milliseconds: number): void {
    const time = Buffer.alloc(16); // struct timeval
    time.writeBigInt64LE(BigInt(Math.trunc(milliseconds / 1000)));
    time.writeBigInt64LE(BigInt((milliseconds % 1000) * 1000), 8);
    setSocketOption(this.#descriptor, socketLevel, receiveTimeout, time);
  }

  #growBuffers(bytes: number): void {
    try {
      setSocketOption(this.#descriptor, socketLevel, sendBuffer, bytes);
      setSocketOption(this.#descriptor, socketLevel, receiveBuffer, bytes);
    } catch {
      // Needs CAP_NET_ADMIN in the first user namespace; with the usual size only very large transactions fail, with EMSGSIZE.
    }
  }

  /** One datagram. The bytes are valid until the next receive. */
  #receive(): Buffer {
    for (;;) {
      try {
        const length = receive(this.#descriptor, incoming, realLength);
        if (length > datagramLimit) throw malformed(`a datagram of ${length} bytes`);
        return incoming.subarray(0, length);
      } catch (error) {
        if (!(error instanceof KernelError && error.refusal.errno === interrupted)) throw error;
      }
    }
  }

  #send(messages: readonly NetlinkMessage[], flags: number): number {
    const first = this.#sequence;
    this.#sequence = (first + messages.length) & 0x7fffffff || 1;
    if (tracing) for (const message of messages) traceSent(message);
    send(this.#descriptor, encodeMessages(messages, first, flags));
    return first;
  }

  /**
   * Sends messages that are executed one by one, and returns a refusal or undefined for each. Only the last one of a send asks for an
   * acknowledgement: refusals are told anyway, in order, so its answer closes the series.
   */
  execute(messages: readonly NetlinkMessage[]): readonly (KernelRefusal | undefined)[] {
    const refusals: (KernelRefusal | undefined)[] = new Array(messages.length).fill(undefined);
    for (let start = 0; start < messages.length; start += messagesPerSend) {
      const chunk = messages.slice(start, start + messagesPerSend);
      const last = chunk.length - 1;
      const marked = chunk.map((message, index) => (index === last ? acknowledged(message) : message));
      const first = this.#send(marked, messageFlag.request);
      this.#collect(first, last, (index, refusal) => {
        refusals[start + index] = refusal;
      });
    }
    return refusals;
  }

  /** Like {@link execute} of one message, from a thread of Node's pool. Nothing else may be asked of the socket meanwhile. */
  async executeAside(message: NetlinkMessage): Promise<KernelRefusal | undefined> {
    const sequence = this.#sequence++;
    if (tracing) traceSent(message);
    const bytes = encodeMessages([acknowledged(message)], sequence, messageFlag.request);
    await new Promise<void>((resolve, reject) => {
      sendAside(this.#descriptor, bytes, (error) => (error === undefined ? resolve() : reject(error)));
    });
    let refusal: KernelRefusal | undefined;
    this.#collect(sequence, 0, (_, told) => {
      refusal = told;
      return true;
    });
    return refusal;
  }

  /** Reads answers until the one to message `last`; hands each refusal and acknowledgement to `answer`. */
  #collect(
    first: number,
    last: number,
    answer: (index: number, refusal: KernelRefusal | undefined) => boolean | undefined,
  ): void {
    for (;;) {
      for (const message of decodeMessages(this.#receive())) {
        if (tracing) traceReceived(message);
        const index = message.sequence - first;
        if (message.type !== messageType.error || index < 0 || index > last) continue;
        const ended = answer(index, readRefusal(message));
        if (index === last || ended === true) return;
      }
    }
  }

  /**
   * Sends messages as one nftables transaction (NFNL_MSG_BATCH_BEGIN … END): all take effect or none. Refusals are told at the message at
   * fault; a transaction that fails as a whole, at its first message. With `generation`, refused with ERESTART where the ruleset is of another one.
   */
  transact(messages: readonly NetlinkMessage[], generation?: number): readonly (KernelRefusal | undefined)[] {
    const refusals: (KernelRefusal | undefined)[] = new Array(messages.length).fill(undefined);
    if (messages.length === 0) return refusals;
    const last = messages.length;
    const marked = messages.map((message, index) => (index === last - 1 ? acknowledged(message) : message));
    const first = this.#send([batchBoundary(16, generation), ...marked, batchBoundary(17)], messageFlag.request);
    this.#collect(first, last, (index, refusal) => {
      if (refusal !== undefined) refusals[Math.max(0, index - 1)] ??= refusal;
      // A refusal of the boundary itself is that of the commit: nothing follows.
      return index === 0;
    });
    return refusals;
  }

  /** Whether the namespace that the socket is of has a link. */
  hasLink(name: string): boolean {
    return hasInterface(this.#descriptor, name);
  }

  /** Index of a link of the namespace that the socket is of; throws KernelError ENODEV. */
  linkIndex(name: string): number {
    return interfaceIndex(this.#descriptor, name);
  }

  /** Sends one request and returns its answers; throws KernelError where it is refused. */
  get(message: NetlinkMessage): readonly ReceivedMessage[] {
    return this.#ask(message, messageFlag.request);
  }

  /** Asks for a table and returns its entries, again where the table changed meanwhile; throws KernelError. */
  dump(message: NetlinkMessage): readonly ReceivedMessage[] {
    for (let tries = 1; ; tries++) {
      const answers = this.#ask(message, messageFlag.request | messageFlag.dump);
      if (!answers.some(({ flags }) => (flags & messageFlag.dumpInterrupted) !== 0)) return answers;
      if (tries === dumpTries) {
        throw new KernelError("dump", refusalOf(interrupted, `the table changed during each of ${tries} tries`));
      }
    }
  }

  #ask(request: NetlinkMessage, flags: number): readonly ReceivedMessage[] {
    const sequence = this.#send([request], flags);
    const answers: ReceivedMessage[] = [];
    for (;;) {
      // Answers outlive the buffer that all receives share.
      for (const message of decodeMessages(Buffer.from(this.#receive()))) {
        if (tracing) traceReceived(message);
        if (message.sequence !== sequence) continue;
        if (message.type === messageType.error || message.type === messageType.done) {
          const refusal = readRefusal(message);
          if (refusal !== undefined) throw new KernelError(`netlink request ${request.type}`, refusal);
          // NLMSG_DONE carries the flag of a dump whose last part was cut short.
          const cutShort = (message.flags & messageFlag.dumpInterrupted) !== 0;
          return cutShort ? [...answers, message] : answers;
        }
        answers.push(message);
        if ((message.flags & messageFlag.multi) === 0) return answers;
      }
    }
  }

  /**
   * Notifications of the socket's groups as they come, a datagram's at a time; `"overrun"` where some were lost (ENOBUFS), and the caller has to look for
   * itself. Ends with the signal. Waits on a thread of Node's pool, so the caller's goes on.
   */
  async *watch(signal: AbortSignal): AsyncGenerator<readonly ReceivedMessage[] | "overrun", void> {
    // A program that ends without ending its watches has to wait for that thread.
    this.#limitWaiting(watchInterval);
    // The answer to an empty request ends the waiting.
    const wake = (): unknown => this.#send([acknowledged(emptyRequest)], messageFlag.request);
    signal.addEventListener("abort", wake);
    try {
      const buffer = Buffer.alloc(datagramLimit);
      while (!signal.aborted) {
        const read = await readDatagram(this.#descriptor, buffer);
        if (signal.aborted) return;
        if (read === "overrun") yield read;
        else if (read > 0) yield [...decodeMessages(Buffer.from(buffer.subarray(0, read)))];
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  close(): void {
    closeSocket(this.#descriptor);
  }
}

/** The length of the next datagram, 0 where none came in time, or that some were lost. */
function readDatagram(descriptor: number, buffer: Buffer): Promise<number | "overrun"> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, 0, buffer.length, null, (error, length) => {
      if (error === null) resolve(length);
      else if (error.code === "EAGAIN" || error.code === "EINTR") resolve(0);
      else if (error.code === "ENOBUFS") resolve("overrun");
      else reject(new KernelError("read notifications", refusalOf(-(error.errno ?? 0), error.message)));
    });
  });
}

function acknowledged(message: NetlinkMessage): NetlinkMessage {
  return { ...message, flags: message.flags | messageFlag.acknowledge };
}

/** NFNL_MSG_BATCH_BEGIN (16) or END (17): struct nfgenmsg with the subsystem as resource id, and NFNL_BATCH_GENID. */
function batchBoundary(type: number, generation?: number): NetlinkMessage {
  const body = Buffer.alloc(generation === undefined ? 4 : 12);
  body.writeUInt16BE(10, 2); // NFNL_SUBSYS_NFTABLES
  if (generation !== undefined) {
    body.writeUInt16LE(8, 4);
    body.writeUInt16LE(1, 6); // NFNL_BATCH_GENID
    body.writeUInt32BE(generation, 8);
  }
  return { type, flags: 0, body };
}

/** The refusal in an NLMSG_ERROR or NLMSG_DONE (struct nlmsgerr and attributes); undefined for an acknowledgement. */
function readRefusal({ type, flags, body }: ReceivedMessage): KernelRefusal | undefined {
  if (body.length < 4) return undefined;
  const errno = -body.readInt32LE(0);
  if (errno === 0) return undefined;
  if ((flags & messageFlag.acknowledgeAttributes) === 0) return refusalOf(errno);
  // Behind the error stands the request's header, and without NLM_F_CAPPED its body too.
  const requestLength = body.length >= 8 ? body.readUInt32LE(4) : 0;
  const capped = (flags & messageFlag.capped) !== 0;
  const start = type === messageType.done ? 4 : 4 + (capped ? headerLength : (requestLength + 3) & ~3);
  const attributes = readAttributes(body.subarray(Math.min(start, body.length)));
  return refusalOf(errno, attributes.get(refusalText)?.string(), attributes.get(refusalOffset)?.u32());
}
