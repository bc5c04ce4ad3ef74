/**
 * Isolated hosts: a daemon in a network and a mount namespace of its own, started for one topology and ended with it. Its files lie in the lab's
 * directory; its namespaces are seen only from inside, or through /proc/PID/root.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { connect } from "node:net";
import { extname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PortolanError } from "../errors.ts";
import type { LabPaths } from "./directory.ts";
import { identify, isRunning, type ProcessIdentity, stopProcesses, tailOf } from "./process.ts";

/** The program beside this file that makes the namespaces: source or built. */
const hostProgram = join(import.meta.dirname, `isolated-host${extname(import.meta.filename)}`);

/** How long a daemon may take until it answers, milliseconds. */
const patience = 15_000;

/**
 * Starts the daemon of an isolated host and waits until it answers; `program` is the command line of `portolan` itself. Throws `unavailable`.
 */
export async function startIsolatedHost(
  paths: LabPaths,
  program: readonly string[],
  signal?: AbortSignal,
): Promise<ProcessIdentity> {
  mkdirSync(paths.stateDirectory, { recursive: true, mode: 0o700 });
  const log = openSync(paths.daemonLog, "w", 0o600);
  const daemon = [...program, "daemon", "--socket", paths.socket];
  daemon.push("--state-dir", paths.stateDirectory, "--run-dir", paths.directory);
  // The program becomes the daemon (execve), so the child's pid is the daemon's.
  const child = spawn(process.execPath, [hostProgram, ...daemon], { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
  const identity = identify(child.pid ?? 0);
  try {
    await answering(paths, identity, signal);
  } catch (error) {
    if (identity) await stopProcesses([identity]);
    throw error;
  }
  return identity ?? { pid: child.pid ?? 0, started: "" };
}

async function answering(paths: LabPaths, daemon: ProcessIdentity | undefined, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + patience;
  while (!(await accepts(paths.socket))) {
    if (signal?.aborted) throw new PortolanError("aborted", "the isolated host was taken back before it was up");
    const alive = daemon !== undefined && isRunning(daemon);
    if (!alive || Date.now() > deadline) {
      throw new PortolanError("unavailable", "the daemon of the isolated host did not come up", {
        object: paths.directory,
        reason: tailOf(paths.daemonLog) || (alive ? "it does not answer" : "it has ended"),
      });
    }
    await sleep(10);
  }
}

/** Whether somebody accepts connections on a unix socket. */
function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}

/** Ends an isolated host's daemon; its namespaces go with the last process in them. */
export async function stopIsolatedHost(daemon: ProcessIdentity): Promise<void> {
  await stopProcesses([daemon]);
}
