/**
 * A real dockerd beside a test, in namespaces of its own: mount, process and IPC, and network unless it is to share the test's host. All that it writes is on a tmpfs of
 * its mount namespace (or where it is told to) and all that it starts is in its process namespace, so that both are gone when the first process of that namespace is, which is also
 * when the test's own process ends in whatever way.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { missing } from "../test-host.ts";
import { cgroupRoot, mountCgroups, removeCgroup } from "./cgroups.ts";
import { createDockerClient, type DockerClient } from "./client.ts";
import { imageArchive, noImage } from "./image.ts";

export interface DockerHostOptions {
  /** A network namespace of its own (the default), or the test's host, which then keeps dockerd's links and rules after it. */
  readonly network?: "own" | "shared";
  /** The flavour of iptables that dockerd finds; default nft. */
  readonly iptables?: "nft" | "legacy";
  /** A directory on a disk for its data, for benchmarks: what is written durably then costs what users pay. Default: on the tmpfs. */
  readonly dataRoot?: string;
  /** Further flags of dockerd, such as `--userland-proxy=false`. */
  readonly flags?: readonly string[];
}

/** A running dockerd with the image `box`. */
export interface DockerHost extends AsyncDisposable {
  /** Path of its network namespace. */
  readonly namespace: string;
  readonly docker: DockerClient;
  /** Runs a command in all of its namespaces, with dockerd's own PATH; what it prints. */
  exec(...command: readonly string[]): string;
  /** Path of a running container's network namespace, to be entered from the test's process. */
  namespaceOf(container: string): Promise<string>;
}

/** What the names of this process's cgroups begin with. */
export const cgroupPrefix = `portolan-${process.pid}-`;

/** How long dockerd may take until it answers, milliseconds. */
const patience = 30_000;

const path = "/run/iptables:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The first process of the namespaces: gives dockerd its own /proc, /sys (of its network namespace, with the cgroups of the machine), /run and
 * /etc/docker, and reaps what is left to it. Parameters: cgroups, iptables flavour, dockerd's flags.
 */
const init = `
  set -e
  mount -t proc proc /proc
  umount /sys
  mount -t sysfs sysfs /sys
  mount --rbind "$1" /sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t tmpfs tmpfs /etc/docker
  mount -t tmpfs tmpfs /opt
  ip link set lo up
  mkdir /run/iptables
  for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    ln -s "/usr/sbin/xtables-$2-multi" /run/iptables/$name
  done
  shift 2
  dockerd "$@" &
  wait $!
`;

/** Why no dockerd can run here; false where it can. Call it in a test host. */
export function noDocker(): string | false {
  const program = ["dockerd", "containerd", "runc", "iptables"].map(missing).find((reason) => reason !== false);
  if (program !== undefined) return program;
  try {
    mountCgroups();
  } catch (error) {
    return `cgroups cannot be mounted: ${String(error)}`;
  }
  return noImage();
}

/** Starts a dockerd and waits until it answers and has its image; throws with the end of its log where it does not come that far. */
export async function startDockerHost(options: DockerHostOptions = {}): Promise<DockerHost> {
  const { network = "own", iptables = "nft", dataRoot = "/run/docker-data", flags = [] } = options;
  mountCgroups();
  const cgroup = `${cgroupPrefix}${randomBytes(4).toString("hex")}`;
  const daemon = [
    ...["--host", "unix:///run/docker.sock", "--data-root", dataRoot, "--exec-root", "/run/docker"],
    ...["--pidfile", "/run/docker.pid", "--cgroup-parent", `/${cgroup}`, "--exec-opt", "native.cgroupdriver=cgroupfs"],
    ...flags,
  ];
  const namespaces = ["--mount", "--pid", "--ipc", ...(network === "own" ? ["--net"] : [])];
  // Whoever ends takes the next one along: the test's process, unshare, the first process of the namespaces.
  const outer = spawn(
    "setpriv",
    [
      ...["--pdeathsig", "KILL", "unshare", ...namespaces, "--fork", "--kill-child", "--propagation", "private"],
      ...["sh", "-c", init, "init", cgroupRoot, iptables, ...daemon],
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { PATH: path } },
  );
  const log = lastLines(outer, 20);
  const ended = once(outer, "exit");
  const stop = async (): Promise<void> => {
    // With its first process all of a process namespace is killed, and unshare ends when that is through.
    const first = childOf(outer);
    if (first === undefined) outer.kill("SIGKILL");
    else process.kill(first, "SIGKILL");
    await ended;
    removeCgroup(cgroup);
  };
  try {
    const deadline = Date.now() + patience;
    for (;;) {
      if (outer.exitCode !== null) throw new Error(`dockerd ended:\n${log()}`);
      if (Date.now() > deadline) throw new Error(`dockerd does not answer within ${patience / 1000} s:\n${log()}`);
      await sleep(50);
      const first = childOf(outer);
      if (first === undefined) continue;
      const root = `/proc/${first}/root`;
      const docker = createDockerClient(`${root}/run/docker.sock`);
      if (!(await docker.ping())) continue;
      await docker.importImage(imageArchive());
      return {
        namespace: `/proc/${first}/ns/net`,
        docker,
        exec: (...command) =>
          execFileSync("nsenter", ["--target", `${first}`, "--mount", "--pid", "--ipc", "--net", "--", ...command], {
            encoding: "utf8",
            env: { PATH: path },
            stdio: ["ignore", "pipe", "pipe"],
          }),
        namespaceOf: async (container) => `${root}/proc/${(await docker.inspect(container)).pid}/ns/net`,
        async [Symbol.asyncDispose]() {
          docker[Symbol.dispose]();
          await stop();
        },
      };
    }
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The process that unshare has forked, by its number on the machine; undefined where there is none (yet, or any more). */
export function childOf({ pid }: ChildProcess): number | undefined {
  try {
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return child === "" ? undefined : Number(child);
  } catch {
    return undefined;
  }
}

/** Keeps the last lines of what a process writes. */
export function lastLines(process: ChildProcess, count: number): () => string {
  let lines: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      lines = [...lines, ...text.trimEnd().split("\n")].slice(-count);
    });
  }
  return () => lines.join("\n");
}
