/** Runs a plugin: a process of its own, in a group of its own, that is given its configuration and watched until it ends. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ending } from "./failure.ts";
import { systemCode } from "./files.ts";

/** One execution. */
export interface Execution {
  readonly path: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly input: string;
  /** Milliseconds after which it is killed; absent: none. */
  readonly timeout?: number;
  /** Kills it when aborted. */
  readonly signal?: AbortSignal;
}

/** What came of it. */
export interface Outcome extends Ending {
  readonly stdout: string;
  readonly stderr: string;
  /** Why it was killed, where it was. */
  readonly killed?: "timeout" | "aborted" | "output";
}

/** Bytes that a plugin may print; a result has a few thousand. */
const mostOutput = 16 * 1024 * 1024;
/** A file that is open for writing cannot be executed (ETXTBSY): a plugin is being installed. libcni tries for five seconds. */
const busyDelays = [10, 20, 50, 100, 200, 500, 1000, 1000, 1000, 1000];
/** Milliseconds that pipes may stay open after the process ended, when a process of its own holds them. */
const lingering = 1000;

/** Runs a plugin to its end; throws what the system says where it cannot be executed. */
export async function execute(execution: Execution): Promise<Outcome> {
  for (const delay of [...busyDelays, undefined]) {
    try {
      return await once(execution);
    } catch (error) {
      if (systemCode(error) !== "ETXTBSY" || delay === undefined) throw error;
      await sleep(delay, undefined, { ...(execution.signal && { signal: execution.signal }) });
    }
  }
  throw new Error("the last attempt either returns or throws");
}

function once({ path, environment, input, timeout, signal }: Execution): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      resolve({ status: null, signal: null, stdout: "", stderr: "", killed: "aborted" });
      return;
    }
    // A group of its own: what a plugin starts is killed with it.
    const child = spawn(path, [], { env: environment, detached: true, stdio: "pipe" });
    child.once("error", reject);
    // Its pipes may not even be there.
    if (child.pid === undefined) return;
    let killed: Outcome["killed"];
    const kill = (why: NonNullable<Outcome["killed"]>): void => {
      killed ??= why;
      killGroup(child);
    };
    const output = { stdout: collect(child.stdout, kill), stderr: collect(child.stderr, kill) };
    const timer = timeout === undefined ? undefined : setTimeout(() => kill("timeout"), timeout);
    const abort = (): void => kill("aborted");
    signal?.addEventListener("abort", abort);
    child.once("exit", () => {
      const late = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, lingering);
      child.once("close", () => clearTimeout(late));
    });
    child.once("close", (status, ending) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      const [stdout, stderr] = [output.stdout(), output.stderr()];
      resolve({ status, signal: ending, stdout, stderr, ...(killed !== undefined && { killed }) });
    });
    // A plugin that does not read all of its input is none the worse for it.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** Kills the process and all of its group; it may have ended already. */
function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error;
  }
}

/** Collects what a stream gives; the text so far. */
function collect(stream: NodeJS.ReadableStream, kill: (why: "output") => void): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > mostOutput) kill("output");
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
