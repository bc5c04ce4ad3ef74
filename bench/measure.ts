/** Figures of the benchmarks: taken in one run, told as medians and ratios, because absolute times on shared machines mean little. */
import { readFileSync } from "node:fs";

/** Units in which less is better, and rates, of which more is. */
export type Unit =
  | ("ms" | "µs" | "MB" | "KiB" | "links" | "processes" | "rules" | "queries")
  | ("connections/s" | "requests/s" | "queries/s" | "Gbit/s");

/** One comparison, or one figure with its bar. */
export interface Figure {
  /** What was measured: "attach an endpoint, p50 through the library". */
  readonly what: string;
  readonly ours: number;
  readonly unit: Unit;
  /** The other side, measured in the same loop. */
  readonly other?: { readonly name: string; readonly value: number };
  /** What the figure must be, in words. */
  readonly bar?: string;
  /** Whether the bar is met. */
  readonly met?: boolean;
}

/** What a benchmark's process tells its runner. */
export type Message =
  | { readonly packages: readonly string[] }
  | { readonly figures: readonly Figure[] }
  | { readonly skipped: string };

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

/** Resident memory of a process, megabytes (VmRSS of proc_pid_status(5)). */
export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}

/** How many times ours is better than the other side: quicker or smaller, or for a rate more; undefined without another side. */
export function advantage({ ours, unit, other }: Figure): number | undefined {
  if (other === undefined) return undefined;
  return unit.endsWith("/s") ? ours / other.value : other.value / ours;
}

/** Hands the figures of a benchmark file to the runner, or prints them where it was started by hand. */
export function report(figures: readonly Figure[]): void {
  if (process.send !== undefined) tell({ figures });
  else console.table(figures.map((figure) => ({ ...figure, other: figure.other?.value, better: advantage(figure) })));
}

/** Tells the runner, where there is one. */
export function tell(message: Message): void {
  process.send?.(message);
}
