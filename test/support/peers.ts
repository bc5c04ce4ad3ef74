/** Peers: processes in namespaces that answer on ports, over TCP and UDP, and ask each other by real connections. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface Question {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  /** The address of its own that it asks from. */
  readonly from?: string;
}

/** What a peer's process is told to do. */
export type Told = { readonly id: number } & ({ readonly serve: number } | { readonly ask: Question });

export interface Peer {
  /** Answers on ports from now on. */
  serve(...ports: readonly number[]): Promise<void>;
  /** What somebody answers: `NAME PORT ADDRESS`, the address being this peer's as the other one sees it; undefined where nobody does. */
  ask(protocol: Question["protocol"], address: string, port: number, from?: string): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** Starts a peer in the namespace of a path, or in the test's own host. */
export function startPeer(name: string, namespace: string): Peer {
  const inside =
    namespace === "host" ? {} : { execPath: "nsenter", execArgv: [`--net=${namespace}`, process.execPath] };
  const child = fork(join(import.meta.dirname, "peer-process.ts"), [name], { execArgv: [], ...inside });
  const waiting = new Map<number, (answer: string | undefined) => void>();
  child.on("message", ({ id, answer }: { id: number; answer?: string }) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  child.once("exit", () => {
    for (const answered of waiting.values()) answered(undefined);
  });
  let last = 0;
  const tell = (what: { serve: number } | { ask: Question }): Promise<string | undefined> => {
    const id = ++last;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      child.send({ id, ...what } satisfies Told);
    });
  };
  return {
    async serve(...ports) {
      await Promise.all(ports.map((port) => tell({ serve: port })));
    },
    ask: (protocol, address, port, from) => tell({ ask: { protocol, address, port, ...(from && { from }) } }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
