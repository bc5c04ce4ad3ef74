/** Programs run to their end: what they print and how they end. */
import { spawn } from "node:child_process";

/** How a program ended. */
export interface Outcome {
  /** Exit status; null where a signal ended it. */
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program is given. */
export interface Given {
  /** Its whole environment; the suite's own where left out. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Its standard input; empty where left out. */
  readonly input?: string | Buffer;
  /** Milliseconds after which it is killed. */
  readonly timeout?: number;
}

/** Runs a program to its end. Errors: only where it cannot be started at all; whatever status it ends with is an outcome. */
export function execute(command: readonly string[], given: Given = {}): Promise<Outcome> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...(given.environment ?? process.env) },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: given.timeout ?? 30_000,
      killSignal: "SIGKILL",
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    // A program that does not read its input closes it early.
    child.stdin.on("error", () => {});
    child.stdin.end(given.input ?? "");
    child.on("close", (status, signal) =>
      resolve({ status, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });
}
