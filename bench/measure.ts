/** Figures of the benchmarks: taken in one run, told as medians and ratios, because absolute times on shared machines mean little. */

/** One comparison, or one figure with its bar. */
export interface Figure {
  /** What was measured: "attach an endpoint, p50 through the library". */
  readonly what: string;
  readonly ours: number;
  readonly unit: "ms" | "µs" | "MB" | "links" | "namespaces";
  /** The other side, measured in the same loop. */
  readonly other?: { readonly name: string; readonly value: number };
  /** What the figure must be, in words. */
  readonly bar?: string;
  /** Whether the bar is met. */
  readonly met?: boolean;
}

/** The middle value; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** Hands the figures of a benchmark file to the runner, or prints them where it was started by hand. */
export function report(figures: readonly Figure[]): void {
  if (process.send !== undefined) process.send(figures);
  else console.table(figures.map((figure) => ({ ...figure, other: figure.other?.value })));
}
