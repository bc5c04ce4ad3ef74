/**
 * A host of a check's own: a network and a mount namespace with an empty /run and /var/lib, held by a process of ours. Plugins run in it as a container
 * runtime on that host would run them, and the kernel takes all of it away when the holder ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Json } from "../json.ts";
import { execute, type Given, type Outcome } from "./process.ts";

/** What the holder does before it waits: the host's own mounts, and a network in which nothing is forwarded yet. */
const setUp = `set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount -t sysfs sysfs /sys
mkdir -p /run/netns /var/lib/cni
ip link set lo up
echo 0 > /proc/sys/net/ipv4/ip_forward
[ ! -e /proc/sys/net/ipv6 ] || echo 0 > /proc/sys/net/ipv6/conf/all/forwarding
echo ready
exec cat`;

/** A program that serves plugins on every host, such as a daemon. */
export interface Service {
  /** Command line, run by sh. */
  readonly command: string;
  /** File that is there once it serves. */
  readonly ready: string;
}

/** A private host; close it. */
export class Host {
  readonly #holder: ChildProcess;
  #service: ChildProcess | undefined;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** Makes a host, with its service where there is one. Errors: what cannot be done without root's rights. */
  static async open(service?: Service): Promise<Host> {
    const holder = spawn("unshare", ["--net", "--mount", "--propagation", "private", "sh", "-c", setUp], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    let complaint = "";
    holder.stderr.on("data", (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("error", reject);
      holder.once("exit", () => reject(new Error(`no namespaces for a host of the suite's own: ${complaint.trim()}`)));
    });
    const host = new Host(holder);
    if (service !== undefined) await host.#serve(service);
    return host;
  }

  /** The holder's process id, by which other programs enter. */
  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  /** A path of the host as this process sees it. */
  outsidePath(path: string): string {
    return `/proc/${this.pid}/root${path}`;
  }

  /** The command that runs another inside: the host itself, or a namespace file of its. */
  inside(netns?: string): readonly string[] {
    const net = netns === undefined ? "--net" : `--net=${this.outsidePath(netns)}`;
    return ["/usr/bin/nsenter", `--target=${this.pid}`, net, "--mount", "--"];
  }

  /** Runs a program in the host. */
  execute(command: readonly string[], given: Given = {}): Promise<Outcome> {
    return execute([...this.inside(), ...command], given);
  }

  /** Runs lines of shell in the host and returns what they print. Errors: lines that end with another status than 0. */
  async shell(script: string): Promise<string> {
    const { status, stdout, stderr } = await this.execute(["/bin/sh", "-ec", script]);
    if (status !== 0) throw new Error(`"${script}" ended with ${status}: ${stderr.trim()}`);
    return stdout;
  }

  /** What `ip -j` lists in the host. */
  async ip(line: string): Promise<Json> {
    return JSON.parse((await this.shell(`ip -j ${line} 2>/dev/null || true`)) || "[]") as Json;
  }

  /** Ends everything the host holds. */
  async close(): Promise<void> {
    if (this.#service !== undefined) await ended(this.#service, () => this.#service?.kill("SIGTERM"));
    await ended(this.#holder, () => this.#holder.stdin?.end());
  }

  async #serve(service: Service): Promise<void> {
    const [program = "", ...args] = [...this.inside(), "/bin/sh", "-c", `exec ${service.command}`];
    const running = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#service = running;
    let complaint = "";
    running.stderr.on("data", (chunk: Buffer) => {
      complaint = `${complaint}${chunk.toString()}`.slice(-2000);
    });
    for (let waited = 0; !existsSync(this.outsidePath(service.ready)); waited += 20) {
      if (running.exitCode !== null || waited > 20_000)
        throw new Error(`"${service.command}" did not make ${service.ready}: ${complaint.trim()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Asks a process to end and waits until it has; after five seconds it is killed. */
function ended(child: ChildProcess, ask: () => void): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const patience = setTimeout(() => child.kill("SIGKILL"), 5000);
    child.once("exit", () => {
      clearTimeout(patience);
      resolve();
    });
    ask();
  });
}
