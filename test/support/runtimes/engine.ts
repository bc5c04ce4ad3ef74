/** The engine on a machine: its plugins in a runtime's folder, with or without a daemon. */
import { once } from "node:events";
import { cpSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLocalStore } from "../../../src/store/local.ts";
import type { Machine } from "./machine.ts";

const main = join(import.meta.dirname, "../../../src/cli/main.ts");
/** The daemon's number in the machine. */
const pidFile = "/run/portolan.pid";

/** What there is of an endpoint, as `portolan endpoint ls` tells it. */
export interface ListedEndpoint {
  readonly name: string;
  readonly network: { readonly name: string };
  readonly interfaceName: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly mac?: string;
  readonly aliases: readonly string[];
}

export class MachineEngine {
  readonly #machine: Machine;
  #stop: (() => Promise<void>) | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Runs `portolan`; what it prints. */
  ok(...words: readonly string[]): string {
    return this.#machine.ok("node", main, ...words);
  }

  /** Starts the daemon, and waits until it listens. */
  async start(): Promise<void> {
    const command = `echo $$ > ${pidFile}; exec node "$@"`;
    const daemon = await this.#machine.start('"msg":"listening"', "sh", "-c", command, "sh", main, "daemon");
    this.#stop = async () => {
      const ended = once(daemon, "exit");
      this.#machine.ok("sh", "-c", `kill -TERM $(cat ${pidFile})`);
      await ended;
    };
  }

  /** Ends the daemon. */
  async stop(): Promise<void> {
    await this.#stop?.();
    this.#stop = undefined;
  }

  /** Endpoints, ordered by name and network. */
  endpoints(): readonly ListedEndpoint[] {
    const listed: readonly ListedEndpoint[] = this.ok("endpoint", "ls", "--format", "json")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
    const key = ({ name, network }: ListedEndpoint): string => `${network.name} ${name}`;
    return listed.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** What containers have left in the engine's records, by collection; ends the daemon. Networks are told by name but the ones that are always there. */
  async remaining(): Promise<Readonly<Record<string, readonly string[]>>> {
    await this.stop();
    // A copy: SQLite follows the link /proc/N/root, by its text, to our own root.
    using directory = mkdtempDisposableSync(join(tmpdir(), "portolan-"));
    cpSync(this.#machine.path("/var/lib/portolan"), directory.path, { recursive: true });
    const store = await openLocalStore({ stateDir: directory.path });
    const { network, endpoint, sandbox, reservation, intent } = await store.load();
    const names = network.map(({ name }) => name).filter((name) => !["bridge", "host", "none"].includes(name));
    await store.close();
    const found = { network: names, endpoint, sandbox, reservation, intent };
    return Object.fromEntries(
      Object.entries(found).flatMap(([name, records]) =>
        records.length > 0 ? [[name, records.map((record) => JSON.stringify(record))]] : [],
      ),
    );
  }
}
