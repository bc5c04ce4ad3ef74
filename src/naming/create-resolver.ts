/** The resolver as the model has it: a thread that starts with the first sandbox, and messages to it. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type IpAddress, ipToBytes } from "../address/ip.ts";
import { errorFromJson, PortolanError } from "../errors.ts";
import { wake } from "../kernel/poll.ts";
import type { EndpointNames, PackedAddress } from "./records.ts";
import {
  type Answer,
  type AnswerValue,
  type Request,
  type SandboxNames,
  sharedBytes,
  stopWord,
  wakerWord,
} from "./requests.ts";
import type { NamedEndpoint, NamedSandbox, QueryRecord, Resolver, ResolverCounters } from "./resolver.ts";

/** The entry beside this file: .ts as written, .js as built. */
const entry = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

const domainPort = 53;

interface Waiting {
  resolve(value: AnswerValue): void;
  reject(error: unknown): void;
}

const packed = (address: IpAddress): PackedAddress => Buffer.from(ipToBytes(address)).toString("latin1");

function packedEndpoint({ id, networkId, networkName, names, addresses }: NamedEndpoint): EndpointNames {
  return { id, networkId, networkName, names, addresses: addresses.map(packed) };
}

function packedSandbox(sandbox: NamedSandbox): SandboxNames {
  const { id, namespace, networks, links, extraHosts, nameservers, ndots, port = domainPort } = sandbox;
  return {
    id,
    namespace,
    port,
    networks,
    links,
    extraHosts: Object.fromEntries(
      Object.entries(extraHosts).map(([name, addresses]) => [name, addresses.map(packed)]),
    ),
    nameservers: nameservers.map((server) => ({ port: domainPort, ...server, packed: packed(server.address) })),
    ...(ndots !== undefined && { ndots }),
  };
}

/** Makes a resolver whose host is the network namespace of the calling thread. */
export function createResolver(): Resolver {
  const waiting = new Map<number, Waiting>();
  const shared = new Int32Array(new SharedArrayBuffer(sharedBytes));
  /** Endpoints that were set before there was anybody to ask for them. */
  const early = new Map<string, EndpointNames>();
  let worker: Worker | undefined;
  let lastCall = 0;
  let unsent: Request[] = [];
  let ended: PortolanError | undefined;

  const fail = (cause: unknown): void => {
    ended ??= new PortolanError("internal", "the resolver's thread has ended", { cause });
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  /** Before the thread tells by which descriptor it is woken, it has not begun to wait. */
  const wakeUp = (): void => {
    const waker = Atomics.load(shared, wakerWord);
    if (waker !== 0 && ended === undefined) wake(waker);
  };
  /** The thread waits in the kernel: without this the process would wait for it at its end. */
  const stop = (): void => {
    Atomics.store(shared, stopWord, 1);
    wakeUp();
  };

  function take(answer: Answer): void {
    if ("fault" in answer) {
      console.error("a fault of the resolver:", answer.fault);
      return;
    }
    const caller = waiting.get(answer.call);
    waiting.delete(answer.call);
    if (waiting.size === 0) worker?.unref();
    if (answer.error === undefined) caller?.resolve(answer.value);
    else caller?.reject(errorFromJson(answer.error));
  }

  function start(): void {
    worker = new Worker(entry, {
      name: "portolan resolver",
      workerData: shared,
      stdin: false,
      // Nothing that is made for a packet stays: a small nursery holds it, and the daemon stays small.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    worker.on("message", take);
    worker.on("error", fail);
    worker.on("exit", () => {
      process.off("exit", stop);
      fail(undefined);
    });
    worker.unref();
    process.on("exit", stop);
    for (const endpoint of early.values()) post({ kind: "set endpoint", endpoint });
    early.clear();
  }

  /** Sends a request; all of one turn of the program go together. */
  function post(request: Request): void {
    unsent.push(request);
    if (unsent.length > 1) return;
    queueMicrotask(() => {
      const requests = unsent;
      unsent = [];
      if (ended !== undefined) return;
      worker?.postMessage(requests);
      wakeUp();
    });
  }

  function call(request: (call: number) => Request): Promise<AnswerValue> {
    if (ended !== undefined) return Promise.reject(ended);
    if (worker === undefined) start();
    const number = ++lastCall;
    return new Promise((resolve, reject) => {
      waiting.set(number, { resolve, reject });
      worker?.ref();
      post(request(number));
    });
  }

  return {
    setEndpoint(endpoint) {
      const names = packedEndpoint(endpoint);
      if (worker === undefined) early.set(endpoint.id, names);
      else post({ kind: "set endpoint", endpoint: names });
    },
    removeEndpoint(id) {
      if (worker === undefined) early.delete(id);
      else post({ kind: "remove endpoint", id });
    },
    async setSandbox(sandbox) {
      await call((number) => ({ kind: "set sandbox", call: number, sandbox: packedSandbox(sandbox) }));
    },
    async removeSandbox(id) {
      if (worker !== undefined) await call((number) => ({ kind: "remove sandbox", call: number, id }));
    },
    // The thread answers these two with what they are named for.
    counters: async (id) => (await call((number) => ({ kind: "counters", call: number, id }))) as ResolverCounters,
    queries: async (id) => (await call((number) => ({ kind: "queries", call: number, id }))) as readonly QueryRecord[],
    async close() {
      if (worker === undefined || ended !== undefined) return;
      const gone = once(worker, "exit");
      worker.ref();
      stop();
      await gone;
    },
  };
}
