/** Runs a command in a sandbox's network namespace with this process's terminal, files and environment. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { PortolanError } from "../errors.ts";
import { inSurroundings, type Surroundings, surroundingsOf } from "../lab/surroundings.ts";
import type { Context } from "./command.ts";
import { exitStatus } from "./failure.ts";

/** The surroundings of a sandbox as this process reaches them: a daemon may live in a host of its own, with mounts that are seen only through it. Throws `not-found`. */
export async function surroundingsNamed(reference: string, context: Pick<Context, "client">): Promise<Surroundings> {
  await using client = await context.client();
  const sandbox = await client.sandbox(reference);
  return surroundingsOf(sandbox, client.daemon ? (await client.info()).pid : undefined);
}

/** Signals that are meant for the command. SIGINT and SIGQUIT come from the terminal, which sends them to the command itself. */
const forwarded = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH"] as const;

/** Runs the command line and waits for it; its exit status, 128 and the signal's number where a signal ended it, 127 and 126 where it cannot be started. */
export async function runInside(
  surroundings: Surroundings,
  [program = "", ...words]: readonly string[],
  { env, cwd }: { readonly env: Readonly<Record<string, string>>; readonly cwd?: string },
): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.removeAllListeners(signal);
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => {});
  // fork happens on the calling thread, within this call: the child is where the thread is.
  const directory = cwd ?? process.cwd();
  const child = inSurroundings(surroundings, () =>
    spawn(program, words, { stdio: "inherit", env: { ...process.env, ...env }, cwd: directory }),
  );
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  return await new Promise<number>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      reject(new NotStarted(program, error));
    });
    child.once("exit", (code, signal) => {
      resolve(code ?? exitStatus.signal + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** A command that cannot be started; its exit status is a shell's: 127 where there is none, 126 where it cannot be run. */
export class NotStarted extends PortolanError {
  readonly exitStatus: number;

  constructor(program: string, cause: NodeJS.ErrnoException) {
    const missing = cause.code === "ENOENT";
    super("invalid-argument", `"${program}" cannot be run`, {
      object: program,
      reason: cause.message,
      cause,
      ...(missing && { advice: "see that the command, and the directory given, are there" }),
    });
    this.exitStatus = missing ? 127 : 126;
  }
}
