/** All of the resolver on the thread that serves: records, and sandboxes with their sockets. */
import { PortolanError } from "../errors.ts";
import { DatagramBatch } from "../kernel/inet/datagram.ts";
import { errno } from "../kernel/inet/options.ts";
import { KernelError } from "../kernel/kernel.ts";
import { closeNamespace, openOwnNamespace } from "../kernel/namespace.ts";
import { readiness } from "../kernel/poll.ts";
import { Deadlines } from "../loop/deadlines.ts";
import type { Loop } from "../loop/loop.ts";
import { Answers } from "./answers.ts";
import type { Connection } from "./connection.ts";
import { Forwarder } from "./forwarder.ts";
import { Outlooks } from "./outlook.ts";
import { SocketOpener } from "./own-sockets.ts";
import { Records } from "./records.ts";
import { domainPort, type Redirection } from "./redirection.ts";
import type { AnswerValue, Request, SandboxNames } from "./requests.ts";
import { Responder } from "./responder.ts";
import { type Listener, ServedSandbox, type Service } from "./served-sandbox.ts";
import { ownUdpSize } from "./wire/reply.ts";

/** Datagrams taken from a sandbox by one call, before the next sandbox has its turn. */
const batchSize = 64;
/** How long a connection may do nothing, milliseconds. */
const idleTime = 10_000;
/** How long a listener accepts nothing where no descriptors are left, milliseconds. */
const restTime = 500;
/** How long after its end a redirection is closed, milliseconds: the kernel has forgotten it by then. */
const endTime = 50;
/** How often it is asked whether a sandbox's namespace is still where it was, milliseconds. */
const namespaceCheck = 10_000;

export class ResolverEngine {
  readonly #home = openOwnNamespace();
  readonly #loop: Loop;
  readonly #records = new Records();
  readonly #answers = new Answers(this.#records);
  readonly #outlooks = new Outlooks();
  readonly #sandboxes = new Map<string, ServedSandbox>();
  readonly #checks = new Deadlines<ServedSandbox>(namespaceCheck);
  readonly #service: Service;

  constructor(loop: Loop) {
    const idle = new Deadlines<Connection>(idleTime);
    const resting = new Deadlines<Listener>(restTime);
    const ended = new Deadlines<Redirection>(endTime);
    this.#loop = loop;
    this.#service = {
      loop,
      responder: new Responder(this.#answers),
      forwarder: new Forwarder(loop),
      opener: new SocketOpener(),
      batch: new DatagramBatch(batchSize, ownUdpSize),
      idle,
      resting,
      ended,
      home: this.#home,
    };
    loop.expire(idle, (connection) => {
      if (connection.isIdle) connection.close();
      else idle.begin(connection, loop.now);
    });
    loop.expire(resting, ({ fd }) => loop.change(fd, readiness.readable));
    loop.expire(ended, (redirection) => redirection.close());
    loop.expire(this.#checks, (sandbox) => {
      if (sandbox.isThere()) this.#checks.begin(sandbox, loop.now);
      else this.#remove(sandbox.id);
    });
  }

  /** Does what is asked; throws PortolanError. */
  perform(request: Request): AnswerValue {
    switch (request.kind) {
      case "set endpoint":
        if (this.#records.set(request.endpoint)) this.#answers.flush();
        return undefined;
      case "remove endpoint":
        if (this.#records.remove(request.id)) this.#answers.flush();
        return undefined;
      case "set sandbox":
        return this.#set(request.sandbox);
      case "remove sandbox":
        return this.#remove(request.id);
      case "counters":
        return { ...this.#served(request.id).log.counters };
      case "queries":
        return this.#served(request.id).log.list(request.id);
    }
  }

  /** Ends to serve. What lasts is left to the next one. */
  close(): void {
    const { ended } = this.#service;
    for (const sandbox of this.#sandboxes.values()) sandbox.close("engine");
    this.#sandboxes.clear();
    const isAny = ended.next() !== Number.POSITIVE_INFINITY;
    if (isAny) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, endTime);
    for (let one = ended.take(Number.POSITIVE_INFINITY); one !== undefined; one = ended.take(Number.POSITIVE_INFINITY))
      one.close();
    closeNamespace(this.#home);
  }

  #set(settings: SandboxNames): undefined {
    const outlook = this.#outlooks.take(settings);
    const before = this.#sandboxes.get(settings.id);
    if (before !== undefined && isSamePlace(before, settings) && before.isThere()) {
      const old = before.outlook;
      before.configure(settings, outlook);
      this.#outlooks.giveBack(old);
      return;
    }
    this.#remove(settings.id);
    try {
      const sandbox = new ServedSandbox(this.#service, settings, outlook);
      this.#sandboxes.set(settings.id, sandbox);
      this.#checks.begin(sandbox, this.#loop.now);
    } catch (error) {
      this.#outlooks.giveBack(outlook);
      throw refused(settings, error);
    }
  }

  #remove(id: string): undefined {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) return;
    this.#sandboxes.delete(id);
    sandbox.close("sandbox");
    this.#outlooks.giveBack(sandbox.outlook);
  }

  #served(id: string): ServedSandbox {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox !== undefined) return sandbox;
    throw new PortolanError("not-found", "the resolver does not serve this sandbox", {
      object: `sandbox ${id}`,
      advice: "join it to a network whose names it can ask for",
    });
  }
}

const isSamePlace = (a: ServedSandbox, b: SandboxNames): boolean => a.namespace === b.namespace && a.port === b.port;

/** What kept a sandbox from being served. */
function refused({ id, namespace, port = domainPort }: SandboxNames, error: unknown): unknown {
  if (!(error instanceof KernelError)) return error;
  const object = `sandbox ${id}`;
  const { code, message, errno: number } = error.refusal;
  const reason = `${message} (${code})`;
  if (number === errno.addressInUse) {
    return new PortolanError("address-in-use", `127.0.0.11, port ${port} of the sandbox is somebody else's`, {
      object,
      reason,
      advice: `find out who listens there with: nsenter --net=${namespace} ss -lnup`,
    });
  }
  // A table that belongs to another socket is not to be touched.
  if (number === errno.exists || number === errno.notPermitted) {
    return new PortolanError("address-in-use", "the names of the sandbox are served by another engine", {
      object,
      reason,
      advice: `find out which one with: nsenter --net=${namespace} nft list tables`,
    });
  }
  if (number === errno.noEntry) {
    return new PortolanError("not-found", "the sandbox's network namespace is gone", { object, reason });
  }
  return new PortolanError("kernel", "the sandbox's resolver cannot be made", { object, reason });
}
