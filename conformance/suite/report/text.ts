/** The report for people: a line for each check that says something, and the sums. */
import type { Check, Level } from "../check.ts";
import type { Finding } from "../runner.ts";

/** A directory's findings under its label. */
export interface Column {
  readonly label: string;
  readonly findings: readonly Finding[];
}

const marks = { passed: "ok  ", failed: "FAIL", "not applicable": "n/a " } as const;

/** The levels, most binding first. */
export const levels: readonly Level[] = ["required", "recommended", "beyond"];

/** One finding as lines. */
export function findingLines({ check, verdict, words, milliseconds }: Finding): string {
  const line = `${marks[verdict]} ${check.group}: ${check.name}`;
  if (verdict === "passed") return `${line} (${milliseconds} ms)`;
  if (verdict === "not applicable") return `${line} (${words})`;
  return `${line} [${check.level}; ${check.reference}]\n       ${words}`;
}

/** How many checks of a level ended in each way. */
export function sums(findings: readonly Finding[], level: Level): Readonly<Record<Finding["verdict"], number>> {
  const count = (verdict: Finding["verdict"]): number =>
    findings.filter((finding) => finding.check.level === level && finding.verdict === verdict).length;
  return { passed: count("passed"), failed: count("failed"), "not applicable": count("not applicable") };
}

/** The sums of all columns, one line for each. */
export function sumLines(columns: readonly Column[]): string {
  const wide = Math.max(...columns.map(({ label }) => label.length));
  return columns
    .map(({ label, findings }) => {
      const parts = levels.map((level) => {
        const { passed, failed } = sums(findings, level);
        return `${level} ${passed} of ${passed + failed}`;
      });
      const none = findings.filter(({ verdict }) => verdict === "not applicable").length;
      return `${label.padEnd(wide)}  ${parts.join(", ")}, ${none} not applicable`;
    })
    .join("\n");
}

/** Required checks that failed. */
export const broken = (findings: readonly Finding[]): readonly Check[] =>
  findings.filter(({ check, verdict }) => check.level === "required" && verdict === "failed").map(({ check }) => check);
