/**
 * A program of its own, started inside a sandbox: tries TCP connections and tells which were accepted. Reads a list of
 * {@link ProbeTarget}s as JSON from standard input and writes a list of outcomes, in their order, to standard output.
 */
import { connect } from "node:net";
import { json } from "node:stream/consumers";

/** Where to connect to. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
}

/** `connected`, or the reason why not: `ECONNREFUSED`, `timeout`… */
export type ProbeOutcome = string;

/** How long a connection may take, milliseconds. Inside one machine it takes less than one. */
const patience = 1000;

function attempt({ address, port }: ProbeTarget): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (outcome: ProbeOutcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(patience, () => end("timeout"));
    socket.once("connect", () => end("connected"));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

if (import.meta.main) {
  const targets = (await json(process.stdin)) as readonly ProbeTarget[]; // written by reachability.ts
  process.stdout.write(JSON.stringify(await Promise.all(targets.map(attempt))));
}
