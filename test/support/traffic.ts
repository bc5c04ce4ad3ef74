/** Connections of real processes that go on while something is done to the engine or the host. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "./traffic/callers.ts";

export type { Report } from "./traffic/callers.ts";

const programs = {
  echo: new URL("./traffic/echo.ts", import.meta.url),
  callers: new URL("./traffic/callers.ts", import.meta.url),
} as const;

/** Runs a program in a network namespace, the host's where none is given. */
function start(
  namespace: string | undefined,
  program: keyof typeof programs,
  args: readonly (string | number)[],
): ChildProcess {
  const command = [process.execPath, programs[program].pathname, ...args.map(String)];
  const [file = "", ...rest] = namespace === undefined ? command : ["nsenter", `--net=${namespace}`, ...command];
  return spawn(file, rest, { stdio: ["pipe", "pipe", "inherit"] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

/** A server that sends back what it is sent, at some ports. */
export async function startEcho(namespace: string | undefined, ...ports: readonly number[]): Promise<AsyncDisposable> {
  const child = start(namespace, "echo", ports);
  await Promise.race([once(child.stdout ?? child, "data"), once(child, "exit")]);
  if (child.exitCode !== null) throw new Error("the server has ended");
  return { [Symbol.asyncDispose]: () => end(child) };
}

export interface Callers extends AsyncDisposable {
  /** What has become of the connections. */
  report(): Promise<Report>;
  /** The same after some turns in which nothing may have come back. */
  still(): Promise<Report>;
  /** The same once something has come back on each of the sound ones from now on, or ten seconds later. */
  flow(): Promise<Report>;
}

/** How long an answer may take on a busy machine, milliseconds. */
const patience = 10_000;

/** Opens `count` connections, each of which sends something about every `interval` milliseconds and waits for its return. */
export async function startCallers(
  namespace: string | undefined,
  to: { readonly address: string; readonly port: number },
  { count, interval }: { readonly count: number; readonly interval: number },
): Promise<Callers> {
  const child = start(namespace, "callers", [to.address, to.port, count, interval]);
  const lines = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]();
  const next = async (): Promise<Report> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the callers' process has ended");
    return JSON.parse(value);
  };
  const first = await next();
  if (first.sound !== count) throw new Error(`of ${count} connections ${first.sound} are open: ${first.broken}`);
  const ask = (word: string): Promise<Report> => {
    child.stdin?.write(`${word}\n`);
    return next();
  };
  return {
    report: () => ask("report"),
    async still() {
      await ask("mark");
      await sleep(10 * interval);
      // What was under way is back.
      await ask("mark");
      await sleep(10 * interval);
      return ask("report");
    },
    async flow() {
      await ask("mark");
      for (const end = performance.now() + patience; ; ) {
        await sleep(interval);
        const report = await ask("report");
        if (report.fewest > 0 || performance.now() > end) return report;
      }
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}
