/** A sandbox whose names are served: its sockets at 127.0.0.11 in its namespace, and who is asked for what is not known. */
import { socketAddressLength } from "../kernel/inet/address.ts";
import type { DatagramBatch } from "../kernel/inet/datagram.ts";
import { errno } from "../kernel/inet/options.ts";
import { acceptStream } from "../kernel/inet/stream.ts";
import { enterNamespaceAt, namespaceInode } from "../kernel/namespace.ts";
import { readiness } from "../kernel/poll.ts";
import { closeSocket, sendDatagram } from "../kernel/syscalls.ts";
import { type Deadlines, Timed } from "../loop/deadlines.ts";
import type { Handler, Loop } from "../loop/loop.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { Forwarder } from "./forwarder.ts";
import type { View } from "./lookup.ts";
import type { Outlook } from "./outlook.ts";
import type { SocketOpener } from "./own-sockets.ts";
import type { Asker, Forwarding, Pending } from "./pending.ts";
import { QueryLog } from "./query-log.ts";
import type { Redirection } from "./redirection.ts";
import type { SandboxNames } from "./requests.ts";
import { type Responder, toForward } from "./responder.ts";
import type { Upstream } from "./upstream.ts";
import { codeName, headerLength, recordType, responseCode, typeName } from "./wire/constants.ts";
import { printedName, questionName } from "./wire/name.ts";
import { writeEmptyReply } from "./wire/reply.ts";

/** Connections of a sandbox at a time. */
const connectionLimit = 64;

/** What all served sandboxes share. */
export interface Service {
  readonly loop: Loop;
  readonly responder: Responder;
  readonly forwarder: Forwarder;
  readonly opener: SocketOpener;
  readonly batch: DatagramBatch;
  /** Connections on which nothing happens. */
  readonly idle: Deadlines<Connection>;
  /** Listeners that accept nothing for a while. */
  readonly resting: Deadlines<Listener>;
  /** Redirections that have ended and are to be closed. */
  readonly ended: Deadlines<Redirection>;
  /** The namespace to come back to. */
  readonly home: number;
}

/** Replies to a datagram that has to wait for a nameserver. */
class DatagramAsker implements Asker {
  readonly transport = "udp";
  readonly #fd: number;
  readonly #sender = new Uint8Array(socketAddressLength[4]);

  constructor(fd: number, batch: DatagramBatch, slot: number) {
    this.#fd = fd;
    batch.copySender(slot, this.#sender);
  }

  reply(bytes: Buffer, start: number, length: number): void {
    sendDatagram(this.#fd, bytes.subarray(start, start + length), this.#sender);
  }
}

/** A sandbox's socket that connections come to. */
export class Listener extends Timed implements Handler {
  readonly fd: number;
  readonly #sandbox: ServedSandbox;

  constructor(fd: number, sandbox: ServedSandbox) {
    super();
    this.fd = fd;
    this.#sandbox = sandbox;
  }

  ready(): void {
    this.#sandbox.accept();
  }
}

/** What one of a thousand sandboxes has that does nothing: nothing is made before it is needed. */
export class ServedSandbox extends Timed implements Forwarding, ConnectionOwner, Handler {
  readonly id: string;
  readonly namespace: SandboxNames["namespace"];
  readonly port: number | undefined;
  readonly log = new QueryLog();
  streams = 0;
  outlook: Outlook;
  #ndots: number;
  readonly #service: Service;
  readonly #inode: bigint | undefined;
  readonly #datagrams: number;
  readonly #listener: Listener;
  readonly #redirection: Redirection | undefined;
  #upstreams: readonly Upstream<Pending>[] | undefined;
  #underWay: Set<Pending> | undefined;
  #connections: Set<Connection> | undefined;

  /** Begins to serve; throws KernelError. */
  constructor(service: Service, { id, namespace, port, lasting = false, ndots = 0 }: SandboxNames, outlook: Outlook) {
    super();
    this.id = id;
    this.namespace = namespace;
    this.port = port;
    this.outlook = outlook;
    this.#ndots = ndots;
    this.#service = service;
    this.#inode = inodeOf(namespace);
    const { datagrams, listener, redirection } = this.#inside(() => service.opener.open(port, lasting));
    this.#datagrams = datagrams;
    this.#listener = new Listener(listener, this);
    this.#redirection = redirection;
    service.loop.watch(datagrams, readiness.readable, this);
    service.loop.watch(listener, readiness.readable, this.#listener);
  }

  get view(): View {
    return this.outlook.view;
  }

  get upstreams(): readonly Upstream<Pending>[] {
    this.#upstreams ??= this.outlook.servers.map((server, index) => {
      const inside: Upstream<Pending>["inside"] =
        server.from === "host" ? (work) => work() : (work) => this.#inside(work);
      return this.#service.forwarder.upstream(index, server, inside);
    });
    return this.#upstreams;
  }

  get underWay(): Set<Pending> {
    this.#underWay ??= new Set();
    return this.#underWay;
  }

  /** Whether its namespace is still where it was: its sockets keep it, so that nobody would see it go. */
  isThere(): boolean {
    return inodeOf(this.namespace) === this.#inode;
  }

  /** Serves with other settings, in the same namespace and at the same port. */
  configure({ ndots = 0 }: SandboxNames, outlook: Outlook): void {
    if (outlook.servers !== this.outlook.servers) this.#closeUpstreams();
    this.#ndots = ndots;
    this.outlook = outlook;
  }

  /** Ends to serve, because the sandbox goes or because the engine does. */
  close(ending: "sandbox" | "engine"): void {
    this.leave();
    if (this.#underWay !== undefined) this.#service.forwarder.drop(this);
    this.#closeUpstreams();
    for (const connection of this.#connections ?? []) connection.close();
    this.#service.loop.close(this.#datagrams);
    this.#endRedirection(ending);
    this.#listener.leave();
    this.#service.loop.close(this.#listener.fd);
  }

  #endRedirection(ending: "sandbox" | "engine"): void {
    const redirection = this.#redirection;
    if (redirection === undefined) return;
    // A lasting one is the next engine's, and without its namespace it is nobody's.
    if ((ending === "engine" && redirection.isLasting) || !this.isThere()) {
      redirection.close();
      return;
    }
    redirection.end();
    this.#service.ended.begin(redirection, this.#service.loop.now);
  }

  /** Answers a batch of datagrams. */
  ready(): void {
    const { batch, responder } = this.#service;
    const fd = this.#datagrams;
    const count = batch.receive(fd);
    const { bytes, slotLength } = batch;
    responder.now = Date.now();
    for (let slot = 0; slot < count; slot++) {
      const length = batch.lengthOf(slot);
      const start = slot * slotLength;
      let size = responder.respond(this, "udp", bytes, start, length, slotLength);
      if (size === toForward) {
        size = this.#forward(new DatagramAsker(fd, batch, slot), bytes, start, length);
      }
      // A reply that cannot be sent is a lost datagram: its asker asks again.
      if (size > 0) batch.answer(fd, slot, size);
    }
  }

  query(asker: Asker, bytes: Buffer, start: number, length: number, room: number): number {
    const { responder } = this.#service;
    responder.now = Date.now();
    const size = responder.respond(this, "tcp", bytes, start, length, room);
    return size === toForward ? this.#forward(asker, bytes, start, length) : size;
  }

  active(connection: Connection): void {
    this.#service.idle.begin(connection, this.#service.loop.now);
    this.#connections ??= new Set();
    this.#connections.delete(connection);
    this.#connections.add(connection);
  }

  closed(connection: Connection): void {
    this.#connections?.delete(connection);
  }

  /** Takes a connection that waits. */
  accept(): void {
    const { loop } = this.#service;
    const fd = acceptStream(this.#listener.fd);
    if (fd === -errno.again || fd === -errno.aborted) return;
    if (fd < 0) {
      // No descriptors are left: the connection stays where it waits, and would be told of without end.
      loop.change(this.#listener.fd, 0);
      this.#service.resting.begin(this.#listener, loop.now);
      return;
    }
    if (this.#connections !== undefined && this.#connections.size >= connectionLimit) {
      // The one that has been idle for the longest makes room.
      const [idle] = this.#connections.values().filter(({ isIdle }) => isIdle);
      idle?.close();
      if (idle === undefined) {
        this.log.counters.refused++;
        closeSocket(fd);
        return;
      }
    }
    this.active(new Connection(loop, fd, this));
  }

  /** Has the query that was just read answered by a nameserver: {@link toForward}, or the bytes of a reply in its place where it may not. */
  #forward(asker: Asker, bytes: Buffer, start: number, length: number): number {
    const { responder, forwarder } = this.#service;
    const { query } = responder;
    const { code, reason } = this.#refusal(bytes, start) ?? {
      code: forwarder.forward(this, asker, bytes, start, length, query),
      reason: "too many queries of this sandbox are under way",
    };
    if (code === undefined) return toForward;
    if (code === responseCode.refused) this.log.counters.refused++;
    const name = questionName(bytes, start, query.nameEnd);
    this.log.add(responder.now, {
      transport: asker.transport,
      name: name === undefined ? "?" : printedName(name),
      type: typeName(query.type),
      code: codeName(code),
      from: "nobody",
      reason,
    });
    return writeEmptyReply(bytes, start, query, code);
  }

  /** Why the query that was just read is not forwarded; undefined where it is. */
  #refusal(bytes: Buffer, start: number): { readonly code: number; readonly reason: string } | undefined {
    const { query } = this.#service.responder;
    if (this.outlook.servers.length === 0) {
      return {
        code: responseCode.serverFailure,
        reason: "not known here, and there is no nameserver to ask: it has none, or all its networks are internal",
      };
    }
    const ndots = this.#ndots;
    const isSingle = query.nameEnd - headerLength <= (bytes[start + headerLength] ?? 0) + 2;
    if (ndots > 0 && isSingle && (query.type === recordType.a || query.type === recordType.aaaa)) {
      return {
        code: responseCode.ok,
        reason: `not known here, and single-label names are not forwarded: ndots is ${ndots} in its resolv.conf`,
      };
    }
    return undefined;
  }

  #inside<Result>(work: () => Result): Result {
    const { namespace } = this;
    return namespace === "host" ? work() : enterNamespaceAt(namespace, this.#service.home, work);
  }

  /** Asks nobody any more by what is open; queries under way still get their answers. */
  #closeUpstreams(): void {
    for (const upstream of this.#upstreams ?? []) upstream.close();
    this.#upstreams = undefined;
  }
}

function inodeOf(namespace: SandboxNames["namespace"]): bigint | undefined {
  return namespace === "host" ? undefined : namespaceInode(namespace);
}
