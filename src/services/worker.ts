/**
 * The thread that serves: one loop over the sockets of all services, so that none needs a heap of its own. It does nothing else, so it waits in the kernel
 * for sockets instead of in Node's loop; what the main thread asks comes by messages, with a wake.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type ErrorJson, PortolanError } from "../errors.ts";
import { clearWaker, createWaker, readiness } from "../kernel/poll.ts";
import { trimHeap } from "../kernel/syscalls.ts";
import { Loop } from "../loop/loop.ts";
import { type Envelope, messagesWord, type Reply, type ServiceName, stopWord, wakerWord } from "../loop/messages.ts";
import { ResolverEngine } from "../naming/engine.ts";
import { ProxyEngine } from "../proxy/engine.ts";
import { createTidier } from "../tidy.ts";

/** What runs on the thread. Each knows the requests that its own face on the main thread sends, and nobody else sends any. */
interface Service {
  perform(request: never): unknown;
  close(): void;
}

const makers: Readonly<Record<ServiceName, (loop: Loop) => Service>> = {
  naming: (loop) => new ResolverEngine(loop),
  proxy: (loop) => new ProxyEngine(loop),
};

/** How long the thread stays away from Node's loop, milliseconds: Node's and V8's own errands are run there, and a thread that is terminated ends there. */
const away = 2000;

if (parentPort === null) throw new Error("this file is the entry of a worker thread");
const port = parentPort;
// loop/thread.ts alone starts this thread, and gives it this.
const shared = workerData as Int32Array;

const words = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
const tell = (reply: Reply): void => port.postMessage(reply);
const waker = createWaker();
const loop = new Loop(performAll, (error) => tell({ fault: words(error) }));
const worked = createTidier(trimHeap);
const services = new Map<ServiceName, Service>();

loop.watch(waker, readiness.readable, { ready: () => clearWaker(waker) });

function errorJson(error: unknown): ErrorJson {
  if (error instanceof PortolanError) return error.toJSON();
  return { code: "internal", message: "a service met a fault of its own", reason: words(error) };
}

function answer({ service, request, ends }: Envelope): unknown {
  if (ends !== true)
    return services.getOrInsertComputed(service, () => makers[service](loop)).perform(request as never);
  services.get(service)?.close();
  services.delete(service);
  return undefined;
}

function perform(envelope: Envelope): void {
  const { call } = envelope;
  worked();
  let value: unknown;
  try {
    value = answer(envelope);
  } catch (error) {
    if (call === undefined) tell({ fault: words(error) });
    else tell({ call, error: errorJson(error) });
    return;
  }
  if (call !== undefined) tell({ call, value });
}

/** Does what has been asked meanwhile; requests that were made together come in one message. */
function performAll(): void {
  if (Atomics.exchange(shared, messagesWord, 0) === 0) return;
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
    for (const envelope of got.message as readonly Envelope[]) perform(envelope); // posted by loop/thread.ts alone
  }
}

function end(): void {
  for (const service of services.values()) service.close();
  // By its descriptor it may be woken until it has ended: the main thread closes that.
  loop.end();
}

function serve(): void {
  const back = performance.now() + away;
  // What came before the thread could be woken.
  performAll();
  while (performance.now() < back) {
    if (Atomics.load(shared, stopWord) === 1) {
      end();
      return;
    }
    loop.turn(away);
  }
  setImmediate(serve);
}

Atomics.store(shared, wakerWord, waker);
serve();
