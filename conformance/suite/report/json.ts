/** The report for programs. */
import type { Column } from "./text.ts";

/** Every finding of every column. */
export const json = (columns: readonly Column[]): string =>
  JSON.stringify(
    columns.map(({ label, findings }) => ({
      label,
      findings: findings.map(({ check: { group, name, level, reference }, verdict, words, milliseconds }) => ({
        group,
        name,
        level,
        reference,
        verdict,
        ...(words === "" ? {} : { words }),
        milliseconds,
      })),
    })),
    null,
    2,
  );
