/** An engine on a worker thread, so that netlink calls, which block, never hold up the program around it. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { errorFromJson, PortolanError } from "../errors.ts";
import type { Engine } from "./engine.ts";
import type { RulesetChange } from "./ruleset-changes.ts";
import type { Answer, Notice, Request } from "./worker.ts";

/** The entry beside this file: .ts as written, .js as built. */
const entry = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Starts an engine whose host is the network namespace of the calling thread. */
export function createWorkerEngine(): Engine {
  const worker = new Worker(entry, {
    name: "portolan engine",
    stdin: false,
    // Its work is short-lived messages: a small nursery holds them, and the daemon stays small.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  const waiting = new Map<number, Waiting>();
  let last = 0;
  let ended: PortolanError | undefined;

  let listener: ((change: RulesetChange) => void) | undefined;

  worker.on("message", (message: Answer | Notice) => {
    if ("rulesetChange" in message) {
      listener?.(message.rulesetChange);
      return;
    }
    const { id, value, error } = message;
    const caller = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (error === undefined) caller?.resolve(value);
    else caller?.reject(errorFromJson(error));
  });
  const fail = (cause: unknown): void => {
    ended ??= new PortolanError("internal", "the engine's worker thread has ended", { cause });
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on("error", fail);
  worker.on("exit", () => fail(undefined));
  worker.unref();

  function call<Result>(method: Request["method"], ...args: readonly unknown[]): Promise<Result> {
    if (ended !== undefined) return Promise.reject(ended);
    const id = ++last;
    return new Promise((resolve, reject) => {
      // The worker answers each method with the type that Core's method of that name has.
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      worker.ref();
      worker.postMessage({ id, method, args } satisfies Request);
    });
  }

  return {
    apply: (plan) => call("apply", plan),
    observe: (desired, left) => call("observe", desired, left),
    watchRuleset: (onChange) => {
      listener ??= onChange;
      return call("watchRuleset");
    },
    mendRuleset: (desired) => call("mendRuleset", desired),
    tryPackets: (question) => call("tryPackets", question),
    facts: (namespace) => call("facts", namespace),
    readSysctls: (namespace, names) => call("readSysctls", namespace, names),
    heldPorts: () => call("heldPorts"),
    portRefusals: (claims) => call("portRefusals", claims),
    linkStatistics: (links) => call("linkStatistics", links),
    findClaim: (namespace, link, addresses) => call("findClaim", namespace, link, addresses),
    features: () => call("features"),
    namespaceExists: (path) => call("namespaceExists", path),
    settle: () => call("settle"),
    close: async () => {
      if (ended !== undefined) return;
      await call("close");
      const gone = once(worker, "exit");
      await worker.terminate();
      await gone;
    },
  };
}
