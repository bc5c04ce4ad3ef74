/** Where a command writes: results on standard output, everything else on standard error. */

export interface Output {
  /** A line of the result. */
  line(text: string): void;
  /** Something to know that is not the result. */
  note(text: string): void;
  /** Aborted when nobody reads the result any more (EPIPE). */
  readonly closed: AbortSignal;
}

/** Writes to this process's streams, which are opened with the first line: a command that becomes another program leaves them alone. */
export function processOutput(): Output {
  const closed = new AbortController();
  let watched = false;
  const watch = (): void => {
    watched = true;
    for (const stream of [process.stdout, process.stderr]) {
      stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EPIPE") throw error;
        closed.abort();
      });
    }
  };
  return {
    line(text) {
      if (!watched) watch();
      if (!closed.signal.aborted) process.stdout.write(`${text}\n`);
    },
    note(text) {
      if (!watched) watch();
      process.stderr.write(`${text}\n`);
    },
    closed: closed.signal,
  };
}
