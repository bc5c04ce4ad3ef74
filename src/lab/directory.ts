/**
 * The lab's memory: a directory for each topology that is up, `RUN/labs/NAME`, with what the engine does not know: which host it is on, and the
 * processes. It is visible on the machine also where the host is isolated, so that ps, diff and down find it.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { PortolanError } from "../errors.ts";
import { identify, isRunning, type ProcessIdentity, type ProcessRecord } from "./process.ts";

/** What is remembered of a topology that is up. */
export interface LabRecord {
  readonly name: string;
  /** The topology file, absolute. */
  readonly file: string;
  /** The daemon of an isolated host; absent on the machine itself. */
  readonly daemon?: ProcessIdentity;
  readonly processes: readonly ProcessRecord[];
}

/** Paths of a lab. Those after `record` are used by isolated hosts only. */
export interface LabPaths {
  readonly directory: string;
  readonly record: string;
  readonly logs: string;
  readonly socket: string;
  readonly stateDirectory: string;
  readonly daemonLog: string;
}

/** Where a lab's files are. */
export function labPaths(runDirectory: string, name: string): LabPaths {
  const directory = join(runDirectory, "labs", name);
  return {
    directory,
    record: join(directory, "lab.json"),
    logs: join(directory, "logs"),
    socket: join(directory, "portolan.sock"),
    stateDirectory: join(directory, "state"),
    daemonLog: join(directory, "daemon.log"),
  };
}

/** Names of the labs under a run directory. */
export function labNames(runDirectory: string): readonly string[] {
  const directory = join(runDirectory, "labs");
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => existsSync(labPaths(runDirectory, name).record))
    .sort();
}

/** Reads what is remembered; undefined where the topology is not up. Throws `internal` for a record that is not ours. */
export function readLab(paths: LabPaths): LabRecord | undefined {
  if (!existsSync(paths.record)) return undefined;
  try {
    const record: LabRecord = JSON.parse(readFileSync(paths.record, "utf8"));
    if (typeof record.name === "string" && Array.isArray(record.processes)) return record;
  } catch (error) {
    throw unreadable(paths, error);
  }
  throw unreadable(paths, undefined);
}

function unreadable({ record }: LabPaths, cause: unknown): PortolanError {
  return new PortolanError("internal", `the lab's record ${record} cannot be read`, {
    object: record,
    ...(cause !== undefined && { cause, reason: String(cause) }),
    advice: "stop its processes, then remove its directory",
  });
}

/** Remembers; the file is replaced as a whole. */
export function writeLab(paths: LabPaths, record: LabRecord): void {
  mkdirSync(paths.directory, { recursive: true, mode: 0o755 });
  const draft = `${paths.record}.new`;
  writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, paths.record);
}

/** Forgets the lab, with the directory of labs where it was the last. */
export function removeLab(paths: LabPaths): void {
  rmSync(paths.directory, { recursive: true, force: true });
  for (const directory of [dirname(paths.directory), dirname(dirname(paths.directory))]) {
    try {
      rmdirSync(directory);
    } catch {
      return; // not empty, so somebody else's too
    }
  }
}

/**
 * Runs `work` while no other process changes the same lab; throws `in-use` where one does. The lock lies beside the directory, which may come and go
 * meanwhile; one left by a process that is no more is taken over.
 */
export async function holdingLab<Result>(paths: LabPaths, work: () => Promise<Result>): Promise<Result> {
  const lock = `${paths.directory}.lock`;
  mkdirSync(dirname(lock), { recursive: true, mode: 0o755 });
  const own = JSON.stringify(identify(process.pid));
  for (;;) {
    try {
      writeFileSync(lock, own, { flag: "wx", mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = holderOf(lock);
    if (holder !== undefined && isRunning(holder)) {
      throw new PortolanError("in-use", `process ${holder.pid} is changing this topology`, {
        object: paths.directory,
        advice: "wait for it to end, then try again",
      });
    }
    rmSync(lock, { force: true });
  }
  try {
    return await work();
  } finally {
    unlinkSync(lock);
    if (!existsSync(paths.directory)) removeLab(paths);
  }
}

function holderOf(lock: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(lock, "utf8"));
  } catch {
    return undefined; // gone meanwhile, or written half by a process that was killed
  }
}
