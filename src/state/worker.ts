/** The engine's worker thread: requests in, answers out, one after the other but for those that wait for others' answers; sweeps in the pauses. */
import { parentPort } from "node:worker_threads";
import { type ErrorJson, PortolanError } from "../errors.ts";
import { createKernel } from "../kernel/linux.ts";
import { trimHeap } from "../kernel/syscalls.ts";
import { createTidier } from "../tidy.ts";
import { Core } from "./core.ts";
import type { RulesetChange } from "./ruleset-changes.ts";

export interface Request {
  readonly id: number;
  readonly method:
    | "apply"
    | "observe"
    | "watchRuleset"
    | "mendRuleset"
    | "tryPackets"
    | "facts"
    | "readSysctls"
    | "heldPorts"
    | "portRefusals"
    | "findClaim"
    | "linkStatistics"
    | "features"
    | "namespaceExists"
    | "settle"
    | "close";
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: ErrorJson;
}

/** Unasked for: somebody else has changed the ruleset. */
export interface Notice {
  readonly rulesetChange: RulesetChange;
}

/** How long the worker waits for more work before it rests, and how long at most, milliseconds. */
const pause = 20;
const longestWait = 500;

const core = new Core(createKernel());
const worked = createTidier(trimHeap);
let timer: NodeJS.Timeout | undefined;
let waitingSince = 0;

/** Rests when nobody has asked for anything for a while: a deletion holds up whatever comes meanwhile for tens of milliseconds. */
function restSoon(): void {
  const now = performance.now();
  if (timer === undefined) waitingSince = now;
  clearTimeout(timer);
  timer = setTimeout(
    () => {
      timer = undefined;
      core.rest();
      if (core.hasDeparting) restSoon();
    },
    Math.max(0, Math.min(pause, waitingSince + longestWait - now)),
  );
}

function settle(): void {
  while (core.hasDeparting) core.sweep();
}

function perform({ method, args }: Request): unknown {
  switch (method) {
    case "watchRuleset":
      return core.watchRuleset((rulesetChange) => parentPort?.postMessage({ rulesetChange } satisfies Notice));
    case "settle":
      return settle();
    case "close":
      clearTimeout(timer);
      return core.close();
    default: {
      // Requests are made by worker-engine.ts alone, whose methods have the parameters of Core's.
      const run = core[method] as (...parameters: unknown[]) => unknown;
      return run.apply(core, [...args]);
    }
  }
}

function errorJson(error: unknown): ErrorJson {
  if (error instanceof PortolanError) return error.toJSON();
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "internal", message: "the engine met a fault of its own", reason };
}

parentPort?.on("message", async (request: Request) => {
  let answer: Answer;
  try {
    // Only closing and asking others wait for something: all else is done when the next request is looked at.
    answer = { id: request.id, value: await perform(request) };
  } catch (error) {
    answer = { id: request.id, error: errorJson(error) };
  }
  parentPort?.postMessage(answer);
  restSoon();
  worked();
});
