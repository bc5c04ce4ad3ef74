/**
 * The resolver's thread. It does nothing but serve, so it waits in the kernel for sockets instead of in Node's loop; what the main thread asks comes by
 * messages, with a wake.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type ErrorJson, PortolanError } from "../errors.ts";
import { ResolverEngine } from "./engine.ts";
import { type Answer, type AnswerValue, type Request, stopWord, wakerWord } from "./requests.ts";

/** How long the thread stays away from Node's loop, milliseconds: Node's and V8's own errands are run there, and a thread that is terminated ends there. */
const away = 2000;

if (parentPort === null) throw new Error("this file is the entry of a worker thread");
const port = parentPort;
// create-resolver.ts alone starts this thread, and gives it this.
const shared = workerData as Int32Array;

const words = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
const tell = (answer: Answer): void => port.postMessage(answer);
const engine = new ResolverEngine(performAll, (error) => tell({ fault: words(error) }));

function errorJson(error: unknown): ErrorJson {
  if (error instanceof PortolanError) return error.toJSON();
  return { code: "internal", message: "the resolver met a fault of its own", reason: words(error) };
}

function perform(request: Request): void {
  const call = "call" in request ? request.call : undefined;
  let value: AnswerValue;
  try {
    value = engine.perform(request);
  } catch (error) {
    if (call === undefined) tell({ fault: words(error) });
    else tell({ call, error: errorJson(error) });
    return;
  }
  if (call !== undefined) tell({ call, value });
}

/** Does what has been asked meanwhile; requests that were made together come in one message. */
function performAll(): void {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
    for (const request of got.message as readonly Request[]) perform(request); // posted by create-resolver.ts alone
  }
}

function serve(): void {
  const back = performance.now() + away;
  // What came before the thread could be woken.
  performAll();
  while (performance.now() < back) {
    if (Atomics.load(shared, stopWord) === 1) {
      engine.close();
      return;
    }
    engine.turn(away);
  }
  setImmediate(serve);
}

Atomics.store(shared, wakerWord, engine.waker);
serve();
