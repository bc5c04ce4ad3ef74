/** Places on the network of a check: containers, the machine outside, the host itself; and the peers that listen and dial there. */
import { type ChildProcess, spawn } from "node:child_process";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { at, type Json, list, text } from "../json.ts";
import type { Host } from "./host.ts";
import { stateOf } from "./state.ts";

/** How a dial is made. */
export interface Dial {
  /** Milliseconds after which it is given up. */
  readonly timeout?: number;
  readonly from?: number;
  readonly load?: number;
}

/** What answered: its name, and the address it saw. */
export interface Answer {
  readonly name: string;
  readonly from: string;
}

/** A network namespace, or the host itself, in which peers run. */
export class Place {
  readonly host: Host;
  readonly name: string;
  /** Path of the namespace's file on the host; undefined for the host itself. */
  readonly netns: string | undefined;
  #peer: Peer | undefined;

  constructor(host: Host, name: string, netns?: string) {
    this.host = host;
    this.name = name;
    this.netns = netns;
  }

  /** Lines of shell, run inside. */
  shell(script: string): Promise<string> {
    if (this.netns === undefined) return this.host.shell(script);
    return this.host.shell(`nsenter --net=${this.netns} /bin/sh -ec '${script.replaceAll("'", `'\\''`)}'`);
  }

  /** What `ip -j` lists inside. */
  async ip(line: string): Promise<Json> {
    return JSON.parse((await this.shell(`ip -j ${line} 2>/dev/null || true`)) || "[]") as Json;
  }

  /** A link as `ip -j -d link` shows it; undefined where there is none. */
  async link(name: string): Promise<Json | undefined> {
    return at(await this.ip(`-d link show dev ${name}`), 0);
  }

  /** Names of all links. */
  async links(): Promise<readonly string[]> {
    return list(await this.ip("link")).map((link) => text(link, "ifname") ?? "");
  }

  /** Addresses of a link, those of the link's own scope left out: "10.1.0.2/24". */
  async addresses(link: string): Promise<readonly string[]> {
    return list(await this.ip(`address show dev ${link}`), 0, "addr_info")
      .filter((item) => at(item, "scope") !== "link")
      .map((item) => `${text(item, "local")}/${at(item, "prefixlen")}`);
  }

  /** Routes of a family and table. */
  routes(family: 4 | 6 = 4, table = "main"): Promise<Json> {
    return this.ip(`-${family} -d route show table ${table}`);
  }

  /** Comparable lines of all state inside. */
  state(): Promise<readonly string[]> {
    return stateOf(this.host, this.netns);
  }

  /** Listens at a port; everybody is answered with this place's name. */
  async listen(protocol: "tcp" | "udp", port: number, host?: string): Promise<void> {
    const { error } = await this.#told({ verb: "listen", protocol, port, ...(host === undefined ? {} : { host }) });
    if (error !== undefined) throw new Error(`${this.name} cannot listen at ${protocol} ${port}: ${error}`);
  }

  /** Dials; undefined where nobody answered. */
  async dial(protocol: "tcp" | "udp", host: string, port: number, how: Dial = {}): Promise<Answer | undefined> {
    const { value } = await this.#told({ verb: "dial", protocol, host, port, ...how });
    if (typeof value !== "string") return undefined;
    const [name = "", from = ""] = value.split(" ");
    return { name, from };
  }

  /** Process id of the peer, once it has listened or dialled. */
  get pid(): number {
    return this.#peer?.pid ?? 0;
  }

  /** Ends the peer. */
  quiet(): void {
    this.#peer?.end();
    this.#peer = undefined;
  }

  #told(order: Readonly<Record<string, Json>>): Promise<PeerAnswer> {
    this.#peer ??= new Peer(this.host.inside(this.netns), this.name);
    return this.#peer.tell(order);
  }
}

interface PeerAnswer {
  readonly value: string | null;
  readonly error?: string;
}

/** The running program of peer.ts. */
class Peer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: PeerAnswer) => void>();
  #next = 1;

  constructor(inside: readonly string[], name: string) {
    const program = join(import.meta.dirname, `peer${extname(import.meta.filename)}`);
    const [enter = "", ...args] = [...inside, process.execPath, program, name];
    const child = spawn(enter, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { id, value, error } = JSON.parse(line) as PeerAnswer & { readonly id: number };
      this.#waiting.get(id)?.(error === undefined ? { value } : { value, error });
      this.#waiting.delete(id);
    });
    child.on("exit", () => {
      for (const settle of this.#waiting.values()) settle({ value: null, error: "the peer ended" });
    });
    child.stdin.on("error", () => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(order: Readonly<Record<string, Json>>): Promise<PeerAnswer> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.stdin?.write(`${JSON.stringify({ id, ...order })}\n`);
    });
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}
