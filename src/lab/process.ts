/** Processes inside sandboxes: started in the sandbox's namespace, known again by pid and start time, stopped with all they started. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PortolanError } from "../errors.ts";
import { inSurroundings, type Surroundings } from "./surroundings.ts";
import type { ProcessSpec } from "./topology.ts";

/** A process, so that no other one is taken for it: a pid is given out again, a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot (/proc/PID/stat, field 22). */
  readonly started: string;
}

/** A process of a topology, as the lab's directory remembers it. */
export interface ProcessRecord extends ProcessIdentity {
  readonly sandbox: string;
  /** Its place among the sandbox's processes. */
  readonly index: number;
  readonly spec: ProcessSpec;
  /** Where its output goes. */
  readonly log: string;
}

/** The identity of a running process; undefined where there is none, or only its remains (a zombie). */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat && !stat.ended ? { pid, started: stat.started } : undefined;
}

/** Whether the very process still runs. */
export function isRunning({ pid, started }: ProcessIdentity): boolean {
  return identify(pid)?.started === started;
}

interface Stat {
  readonly ended: boolean;
  readonly group: number;
  readonly started: string;
}

/** Fields 3, 5 and 22 of /proc/PID/stat (proc_pid_stat(5)); the name before them may hold anything, even parentheses. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { ended: /^[ZXx]$/.test(fields[0] ?? "Z"), group: Number(fields[2]), started: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}

/**
 * Starts a process in a sandbox's surroundings, detached: it outlives this one and leads a process group of its own. `node` on its path is the
 * Node.js that runs this. Throws `invalid-argument` where it cannot be started.
 */
export async function startProcess(
  surroundings: Surroundings,
  spec: ProcessSpec,
  place: Pick<ProcessRecord, "sandbox" | "index" | "log">,
): Promise<ProcessRecord> {
  mkdirSync(dirname(place.log), { recursive: true });
  const output = openSync(place.log, "w", 0o600);
  try {
    const [program = "", ...words] = spec.command;
    const env = {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
      ...spec.env,
    };
    // fork happens on the calling thread, within this call: the child is where the thread is.
    const child = inSurroundings(surroundings, () =>
      spawn(program, words, { cwd: spec.cwd, env, detached: true, stdio: ["ignore", output, output] }),
    );
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    }).catch((error: unknown) => {
      throw new PortolanError("invalid-argument", `${spec.command.join(" ")} cannot be started`, {
        object: `process ${place.index + 1} of sandbox "${place.sandbox}"`,
        reason: error instanceof Error ? error.message : String(error),
        advice: `its directory is ${spec.cwd}; see that both are there`,
        cause: error,
      });
    });
    child.unref();
    const pid = child.pid ?? 0;
    return { ...place, spec, pid, started: statOf(pid)?.started ?? "" };
  } finally {
    closeSync(output);
  }
}

/** How long a process may take to end after SIGTERM before SIGKILL, milliseconds. */
const grace = 2000;

/** Stops processes that still run, each with its process group; no error for those that have ended. */
export async function stopProcesses(processes: readonly ProcessIdentity[]): Promise<void> {
  const running = processes.filter(isRunning);
  for (const leader of running) signalGroup(leader, "SIGTERM");
  const deadline = Date.now() + grace;
  while (running.some(isRunning) && Date.now() < deadline) await sleep(10);
  for (const leader of running) signalGroup(leader, "SIGKILL");
  while (running.some(isRunning)) await sleep(10);
}

/** Signals the process group of a leader that was seen running. The kernel does not give its number out again while a member is left. */
function signalGroup({ pid, started }: ProcessIdentity, signal: NodeJS.Signals): void {
  const stat = statOf(pid);
  if (stat !== undefined && (stat.started !== started || stat.group !== pid)) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The last lines of a process's output. */
export function tailOf(log: string, lines = 5): string {
  try {
    return readFileSync(log, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "";
  }
}
