/**
 * A machine for container runtimes beside a test: mount, process and IPC namespaces of its own on the network of the test's host, with an empty /run, /opt and /var that
 * nobody else sees. Whatever a runtime leaves running ends with the machine, which ends with the test's process.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroupRoot, mountCgroups, removeCgroup } from "../docker/cgroups.ts";
import { cgroupPrefix, childOf, lastLines } from "../docker/host.ts";

const root = join(import.meta.dirname, "../../..");
const path = `${join(root, "node_modules/.bin")}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

/** What a command gave. */
export interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Stops, and ends all that runs in it, when disposed of. */
export interface Machine extends AsyncDisposable {
  /** Where one of its paths is for the test's process. */
  path(inside: string): string;
  /** Runs a command to its end. */
  run(...command: readonly string[]): Outcome;
  /** As `run`; what it prints. Throws with what it says where its status is not 0. */
  ok(...command: readonly string[]): string;
  /** Starts a command and waits until its output has a text. Throws where it ends before. */
  start(said: string, ...command: readonly string[]): Promise<ChildProcess>;
}

/**
 * The first process: gives the others their own /proc, /run, /var, /opt and /dev/shm, and reaps what is left to it. Cgroups are those below one of the machine's, so that
 * all of them are found again. Parameters: the hierarchies, the cgroup's name.
 */
const init = `
  set -e
  mount -t proc proc /proc
  if [ -e "$1/cgroup.procs" ]; then
    mkdir "$1/$2"
    echo $$ > "$1/$2/cgroup.procs"
    mount --bind "$1/$2" /sys/fs/cgroup
  else
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    for hierarchy in "$1"/*; do
      mkdir "$hierarchy/$2" "/sys/fs/cgroup/\${hierarchy##*/}"
      for file in cpuset.cpus cpuset.mems; do
        [ ! -e "$hierarchy/$file" ] || cat "$hierarchy/$file" > "$hierarchy/$2/$file"
      done
      echo $$ > "$hierarchy/$2/cgroup.procs"
      mount --bind "$hierarchy/$2" "/sys/fs/cgroup/\${hierarchy##*/}"
    done
  fi
  mount -t tmpfs tmpfs /dev/shm
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t tmpfs tmpfs /opt
  mkdir -p /run/lock /run/netns /run/.var/upper /run/.var/work
  mount -t overlay -o lowerdir=/var,upperdir=/run/.var/upper,workdir=/run/.var/work overlay /var
  # Paths of cgroups begin at the machine's, as runc finds them mounted.
  exec unshare --cgroup sh -c 'echo ready; while :; do sleep 3600 & wait $!; done'
`;

/** Starts one. Throws with what is said where it does not come up. */
export async function startMachine(): Promise<Machine> {
  mountCgroups();
  const cgroup = `${cgroupPrefix}${randomBytes(4).toString("hex")}`;
  const outer = spawn(
    "setpriv",
    [
      ...["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"],
      ...["--propagation", "private", "sh", "-c", init, "init", cgroupRoot, cgroup],
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { PATH: path } },
  );
  const said = lastLines(outer, 20);
  while (!said().includes("ready")) {
    if (outer.exitCode !== null) throw new Error(`the machine ended: ${said()}`);
    await sleep(10);
  }
  const first = childOf(outer);
  if (first === undefined) throw new Error("the machine has no first process");
  const inside = ["--target", `${first}`, "--mount", "--pid", "--ipc", "--cgroup", "--"];
  const run = (...command: readonly string[]): Outcome => {
    const { status, stdout, stderr, error } = spawnSync("nsenter", [...inside, ...command], {
      encoding: "utf8",
      env: { PATH: path },
      timeout: 60_000,
    });
    return { status, out: stdout, err: error === undefined ? stderr : `${error.message}\n${stderr}` };
  };
  return {
    path: (place) => `/proc/${first}/root${place}`,
    run,
    ok(...command) {
      const { status, out, err } = run(...command);
      if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${err}${out}`);
      return out;
    },
    async start(awaited, ...command) {
      const child = spawn("nsenter", [...inside, ...command], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: path },
      });
      const lines = lastLines(child, 50);
      while (!lines().includes(awaited)) {
        if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended with ${child.exitCode}:\n${lines()}`);
        await sleep(20);
      }
      return child;
    },
    async [Symbol.asyncDispose]() {
      // With its first process all of a process namespace is killed, and unshare ends when that is through.
      const ended = once(outer, "exit");
      process.kill(first, "SIGKILL");
      await ended;
      removeCgroup(cgroup);
    },
  };
}
