/** Runs `portolan` as its users do, in the test's private host. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { labNames } from "../../../src/lab/directory.ts";

export const root = join(import.meta.dirname, "../../..");
const main = join(root, "src/cli/main.ts");

/** What a command line gave. */
export interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** An engine's files and whoever runs commands on it. */
export class Portolan implements AsyncDisposable {
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

  /** Starts the daemon and waits until it says that it listens. */
  async startDaemon(...words: readonly string[]): Promise<void> {
    const daemon = this.start("daemon", ...words);
    this.#daemon = daemon;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      daemon.stderr?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('"msg":"listening"')) resolve();
      });
      daemon.once("exit", (status) => reject(new Error(`the daemon ended with ${status}:\n${said}`)));
    });
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

  /** Kills the daemon. */
  async killDaemon(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined) return;
    const ended = exitOf(daemon);
    daemon.kill("SIGKILL");
    this.#daemon = undefined;
    await ended;
  }

  /** Stops what a test that failed left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of labNames(this.runDir)) this.run("down", name);
    await this.stopDaemon();
  }
}

/** The exit status of a process, when it has ended. */
export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    else child.once("exit", resolve);
  });
}
