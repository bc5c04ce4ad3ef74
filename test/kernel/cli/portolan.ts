/** Runs `portolan` as its users do, in the test's private host. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const root = join(import.meta.dirname, "../../..");
const main = join(root, "src/cli/main.ts");

/** What a command line gave. */
export interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** An engine's files and whoever runs commands on it. */
export class Portolan {
  readonly #env: NodeJS.ProcessEnv;
  readonly runDir: string;
  #daemon: ChildProcess | undefined;

  constructor({ runDir, stateDir }: { readonly runDir: string; readonly stateDir: string }) {
    this.runDir = runDir;
    this.#env = { ...process.env, PORTOLAN_RUN_DIR: runDir, PORTOLAN_STATE_DIR: stateDir };
  }

  /** Runs a command line to its end. */
  run(...words: readonly string[]): Outcome {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
      encoding: "utf8",
      env: this.#env,
      cwd: root,
    });
    return { status, out: stdout, err: stderr };
  }

  /** As {@link run}; fails with what the command said where its status is not 0. */
  ok(...words: readonly string[]): string {
    const { status, out, err } = this.run(...words);
    if (status !== 0) throw new Error(`portolan ${words.join(" ")} ended with ${status}:\n${err}${out}`);
    return out;
  }

  /** The JSON that a command prints. */
  json<Value = unknown>(...words: readonly string[]): Value {
    return JSON.parse(this.ok(...words));
  }

  /** Starts a command line and does not wait for it. */
  start(...words: readonly string[]): ChildProcess {
    return spawn(process.execPath, [main, ...words], { env: this.#env, cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Starts the daemon and waits until its socket is there. */
  async startDaemon(): Promise<void> {
    const daemon = this.start("daemon");
    this.#daemon = daemon;
    let said = "";
    for (const stream of [daemon.stdout, daemon.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
      });
    }
    while (!existsSync(join(this.runDir, "portolan.sock"))) {
      if (daemon.exitCode !== null) throw new Error(`the daemon ended with ${daemon.exitCode}:\n${said}`);
      await sleep(10);
    }
  }

  /** Stops the daemon with SIGTERM; its exit status. */
  async stopDaemon(): Promise<number | null> {
    const daemon = this.#daemon;
    if (daemon === undefined) return null;
    const status = exitOf(daemon);
    daemon.kill("SIGTERM");
    this.#daemon = undefined;
    return await status;
  }
}

/** The exit status of a process, when it has ended. */
export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    else child.once("exit", resolve);
  });
}
