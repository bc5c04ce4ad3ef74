/** Plugins as a runtime starts them, with containers to attach and a daemon that may be there or not. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { openLocalStore } from "../../../src/store/local.ts";
import { exec, run, snapshot, temporaryDirectory } from "../../support/test-host.ts";
import { Portolan } from "../cli/portolan.ts";

/** A plugin of a chain: its configuration. */
export interface Link {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What a plugin's run gave: its status, undefined where it was killed, and what it printed. */
export interface Outcome {
  readonly status: number | undefined;
  readonly result: unknown;
}

/** The addresses in an ADD's result, without their prefix lengths. */
export function addressesIn(result: unknown): readonly string[] {
  // What an ADD prints (SPEC.md, "ADD Success").
  const { ips } = result as { readonly ips: readonly { readonly address: string }[] };
  return ips.map(({ address }) => address.replace(/\/.*/, ""));
}

export class PluginScene implements AsyncDisposable {
  readonly #directory = temporaryDirectory();
  readonly plugins = join(this.#directory.path, "plugins");
  readonly #stateDir = join(this.#directory.path, "state");
  readonly portolan = new Portolan({ runDir: "/run/scene", stateDir: this.#stateDir });
  /** Names of containers; each has its namespace. */
  readonly containers: readonly string[];

  constructor(containers: number) {
    this.containers = Array.from({ length: containers }, (_, at) => `c${at}`);
    for (const name of this.containers) run(`ip netns add ${name}`);
    this.portolan.ok("cni", "install", "--as-reference", "--dir", this.plugins);
  }

  /** Starts a plugin. */
  start(command: string, container: string, network: string, link: Link, prevResult?: unknown): ChildProcess {
    const child = spawn(join(this.plugins, link.type), [], {
      env: {
        PATH: process.env["PATH"],
        CNI_COMMAND: command,
        CNI_CONTAINERID: container,
        CNI_NETNS: `/run/netns/${container}`,
        CNI_IFNAME: "eth0",
        CNI_PATH: this.plugins,
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    // Who is killed reads nothing.
    child.stdin.on("error", () => undefined);
    const more = command === "GC" ? { "cni.dev/valid-attachments": [] } : {};
    const config = { cniVersion: "1.1.0", name: network, ...link, ...more };
    child.stdin.end(JSON.stringify(prevResult === undefined ? config : { ...config, prevResult }));
    return child;
  }

  /** Has a plugin do a call to its end, or be killed (SIGKILL) once `killed` is fulfilled. */
  async call(
    command: string,
    container: string,
    network: string,
    link: Link,
    { prevResult, killed }: { readonly prevResult?: unknown; readonly killed?: Promise<void> } = {},
  ): Promise<Outcome> {
    const child = this.start(command, container, network, link, prevResult);
    void killed?.then(() => child.kill("SIGKILL"));
    if (child.stdout === null) throw new Error("its output is a pipe");
    const [text, [status]] = await Promise.all([textOf(child.stdout), once(child, "close")]);
    return { status: status ?? undefined, result: status === null || text === "" ? undefined : JSON.parse(text) };
  }

  /** Adds what the plugins of a chain add, until one fails or is killed. */
  async add(container: string, network: string, chain: readonly Link[], killed?: Promise<void>): Promise<Outcome> {
    let last: Outcome = { status: 0, result: undefined };
    for (const link of chain) {
      last = await this.call("ADD", container, network, link, {
        ...(last.result !== undefined && { prevResult: last.result }),
        ...(killed !== undefined && { killed }),
      });
      if (last.status !== 0) break;
    }
    return last;
  }

  /** Takes away what the plugins of a chain added; throws what one of them fails with. */
  async del(container: string, network: string, chain: readonly Link[]): Promise<void> {
    for (const link of chain.toReversed()) this.#expect(await this.call("DEL", container, network, link), "DEL", link);
  }

  /** Tells the plugins of a chain that no attachment is valid. */
  async collect(network: string, chain: readonly Link[]): Promise<void> {
    for (const link of chain) this.#expect(await this.call("GC", "none", network, link), "GC", link);
  }

  #expect({ status, result }: Outcome, command: string, { type }: Link): void {
    if (status !== 0) throw new Error(`${command} of ${type} ended with ${status}: ${JSON.stringify(result)}`);
  }

  /** Waits until nothing is in the containers, and the host is as it was; throws AssertionError where it does not come to that. Links go a moment after DEL. */
  async assertNothing(idle: unknown, words: string): Promise<void> {
    const end = performance.now() + 10_000;
    for (let pause = 10; ; pause *= 2) {
      const left = { inside: this.#linksInside(), host: snapshot() };
      try {
        assert.deepEqual(left, { inside: [], host: idle }, words);
        return;
      } catch (error) {
        if (performance.now() > end) throw error;
      }
      await sleep(pause);
    }
  }

  /** Names of the links in all containers, but for the loopback's. */
  #linksInside(): readonly string[] {
    return this.containers.flatMap((name) =>
      // What `ip -j` prints.
      (JSON.parse(exec("ip", "-n", name, "-j", "link")) as readonly { readonly ifname: string }[]).flatMap(
        ({ ifname }) => (ifname === "lo" ? [] : [`${ifname} in ${name}`]),
      ),
    );
  }

  /** What the store holds of attachments, once no engine has it: nothing where nothing is left. */
  async stored(): Promise<readonly string[]> {
    const store = await openLocalStore({ stateDir: this.#stateDir, wait: 10_000 });
    const { endpoint, sandbox, network, reservation, intent, original, departure } = await store.load();
    await store.close();
    return [
      ...endpoint.map(({ name }) => `endpoint ${name}`),
      ...sandbox.map(({ name }) => `sandbox ${name}`),
      ...network.filter(({ driver }) => driver === "attachment").map(({ name }) => `network ${name}`),
      ...reservation.map(({ id }) => `reservation ${id}`),
      ...intent.map(({ operation }) => `intent ${operation}`),
      ...original.map(({ id }) => `original ${id}`),
      ...departure.map(({ id }) => `departure ${id}`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.portolan[Symbol.asyncDispose]();
    this.#directory[Symbol.dispose]();
  }
}
