/** The thread that serves, as its users on the main thread have it: it starts with the first question to a service, and ends with the last service. */
import type { Worker } from "node:worker_threads";
import { errorFromJson, PortolanError } from "../errors.ts";
import { closeWaker, wake } from "../kernel/poll.ts";
import {
  type Envelope,
  messagesWord,
  type Reply,
  type ServiceName,
  sharedBytes,
  stopWord,
  wakerWord,
} from "./messages.ts";

/** Its entry: .ts as written, .js as built. */
const entry = new URL(
  import.meta.url.endsWith(".ts") ? "../services/worker.ts" : "../services/worker.js",
  import.meta.url,
);

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A service on the thread. What is sent in one turn of the program arrives together, in its order. */
export interface RemoteService<Request, Value> {
  /** Sends a request that has no answer. */
  post(request: Request): void;
  /** Sends one that has; rejects with what the service throws. */
  call(request: Request): Promise<Value>;
  /** Ends the service, and the thread with its last one. */
  close(): Promise<void>;
}

/** Who runs services. */
export interface Services {
  /** Opens a service; each one once. Its requests and answers are of the types that the service has, which nobody checks. */
  open<Request, Value>(service: ServiceName): RemoteService<Request, Value>;
}

export class ServiceThread implements Services {
  readonly #shared = new Int32Array(new SharedArrayBuffer(sharedBytes));
  readonly #waiting = new Map<number, Waiting>();
  readonly #open = new Set<ServiceName>();
  #worker: Worker | undefined;
  #lastCall = 0;
  #unsent: Envelope[] = [];
  #ended: PortolanError | undefined;

  open<Request, Value>(service: ServiceName): RemoteService<Request, Value> {
    this.#open.add(service);
    return {
      post: (request) => {
        if (this.#ended !== undefined) return;
        this.#start();
        this.#send({ service, request });
      },
      // The thread answers each request with what its service has for it.
      call: async (request) => (await this.#call({ service, request })) as Value,
      close: () => this.#close(service),
    };
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    // What takes a moment to load is loaded where a thread is wanted.
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const worker = new Worker(entry, {
      name: "portolan services",
      workerData: this.#shared,
      stdin: false,
      // Nothing that is made for a packet stays: a small nursery holds it, and the daemon stays small.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    this.#worker = worker;
    const stop = (): void => this.#stop();
    worker.on("message", (reply: Reply) => this.#take(reply)); // of services/worker.ts alone
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", () => {
      process.off("exit", stop);
      this.#fail(undefined);
      const waker = Atomics.exchange(this.#shared, wakerWord, 0);
      if (waker !== 0) closeWaker(waker);
    });
    worker.unref();
    process.on("exit", stop);
    return worker;
  }

  /**
   * Sends a message; all of one turn of the program go together. The thread looks for them before it serves anybody, so it is woken only when the caller's own work is done: a wake
   * takes 80 µs.
   */
  #send(envelope: Envelope): void {
    this.#unsent.push(envelope);
    if (this.#unsent.length > 1) return;
    queueMicrotask(() => {
      const envelopes = this.#unsent;
      this.#unsent = [];
      if (this.#ended !== undefined) return;
      this.#worker?.postMessage(envelopes);
      Atomics.store(this.#shared, messagesWord, 1);
      setImmediate(() => this.#wake());
    });
  }

  #call(envelope: Envelope): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const worker = this.#start();
    const call = ++this.#lastCall;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      worker.ref();
      this.#send({ ...envelope, call });
    });
  }

  #take(reply: Reply): void {
    if ("fault" in reply) {
      console.error("a fault while serving:", reply.fault);
      return;
    }
    const caller = this.#waiting.get(reply.call);
    this.#waiting.delete(reply.call);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (reply.error === undefined) caller?.resolve(reply.value);
    else caller?.reject(errorFromJson(reply.error));
  }

  #fail(cause: unknown): void {
    this.#ended ??= new PortolanError("internal", "the thread that serves has ended", { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }

  /** Before the thread tells by which descriptor it is woken, it has not begun to wait. */
  #wake(): void {
    const waker = Atomics.load(this.#shared, wakerWord);
    if (waker !== 0 && this.#ended === undefined) wake(waker);
  }

  /** The thread waits in the kernel: without this the process would wait for it at its end. */
  #stop(): void {
    Atomics.store(this.#shared, stopWord, 1);
    this.#wake();
  }

  async #close(service: ServiceName): Promise<void> {
    if (!this.#open.delete(service)) return;
    if (this.#worker === undefined || this.#ended !== undefined) return;
    if (this.#open.size > 0) {
      await this.#call({ service, request: undefined, ends: true });
      return;
    }
    const gone = process.getBuiltinModule("node:events").once(this.#worker, "exit");
    this.#worker.ref();
    this.#stop();
    await gone;
  }
}
