/** An output that keeps what is written, for tests. */
import type { Output } from "../../../src/cli/output.ts";

export function recordedOutput(): Output & { readonly lines: string[]; readonly notes: string[] } {
  const lines: string[] = [];
  const notes: string[] = [];
  return {
    lines,
    notes,
    line: (text) => void lines.push(text),
    note: (text) => void notes.push(text),
    closed: new AbortController().signal,
  };
}
