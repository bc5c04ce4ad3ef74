/** The last queries of a sandbox and its counters, for whoever asks why a name does not resolve. Costs a query two stores into a ring. */
import type { QueryRecord, ResolverCounters } from "./resolver.ts";

/** What is told of a query beside its time and sandbox; shared by all queries with the same answer. */
export type LogLine = Omit<QueryRecord, "time" | "sandboxId">;

/** Queries kept of a sandbox, at most. */
const keptQueries = 200;

/** Of all who never asked. */
const none: LogLine[] = [];

export class QueryLog {
  readonly counters = { queries: 0, known: 0, forwarded: 0, failed: 0, malformed: 0, refused: 0 } satisfies Writable;
  /** Rings that grow up to {@link keptQueries}: most sandboxes ask little. Times are milliseconds since 1970. */
  #times: number[] | undefined;
  #lines: LogLine[] = none;
  #next = 0;

  /** Adds a query that came at `time`, milliseconds since 1970. */
  add(time: number, line: LogLine): void {
    if (this.#times === undefined) {
      this.#times = [];
      this.#lines = [];
    }
    this.#times[this.#next] = time;
    this.#lines[this.#next] = line;
    this.#next = this.#next + 1 === keptQueries ? 0 : this.#next + 1;
  }

  /** The queries kept, oldest first. */
  list(sandboxId: string): readonly QueryRecord[] {
    const records = this.#lines.map((line, at) => ({
      time: BigInt(this.#times?.[at] ?? 0) * 1_000_000n,
      sandboxId,
      ...line,
    }));
    return [...records.slice(this.#next), ...records.slice(0, this.#next)];
  }
}

type Writable = { -readonly [counter in keyof ResolverCounters]: number };
