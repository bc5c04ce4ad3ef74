/** The report as a page: sums, every check with a column for each directory, and what was seen where one failed. */
import type { Check } from "../check.ts";
import { short } from "../expectation.ts";
import type { Finding } from "../runner.ts";
import { type Column, levels, sums } from "./text.ts";

const marks = { passed: "yes", failed: "**no**", "not applicable": "n/a" } as const;

/** A page of the findings. `heading` stands above it. */
export function markdown(columns: readonly Column[], heading: string): string {
  const first = columns[0]?.findings ?? [];
  const groups = [...new Set(first.map(({ check }) => check.group))];
  return [
    heading,
    "",
    row(["", ...columns.map(({ label }) => label)]),
    row(["---", ...columns.map(() => "---")]),
    ...levels.map((level) => row([level, ...columns.map(({ findings }) => sumOf(findings, level))])),
    ...groups.flatMap((group) => section(group, columns)),
    "",
  ].join("\n");
}

function sumOf(findings: readonly Finding[], level: Check["level"]): string {
  const { passed, failed, "not applicable": none } = sums(findings, level);
  return `${passed} of ${passed + failed}${none === 0 ? "" : `, ${none} n/a`}`;
}

function section(group: string, columns: readonly Column[]): readonly string[] {
  const checks = (columns[0]?.findings ?? []).map(({ check }) => check).filter((check) => check.group === group);
  const found = (check: Check, { findings }: Column): Finding | undefined =>
    findings.find((finding) => finding.check === check);
  const rows = checks.map((check) =>
    row([
      check.name,
      check.level,
      check.reference,
      ...columns.map((column) => {
        const finding = found(check, column);
        return finding === undefined ? "" : marks[finding.verdict];
      }),
    ]),
  );
  const seen = columns.flatMap((column) =>
    checks.flatMap((check) => {
      const finding = found(check, column);
      return finding === undefined || finding.verdict === "passed"
        ? []
        : [`- ${column.label}, “${check.name}”: ${plain(finding.words)}`];
    }),
  );
  return [
    "",
    `## ${group}`,
    "",
    row(["check", "level", "reference", ...columns.map(({ label }) => label)]),
    row(["---", "---", "---", ...columns.map(() => "---")]),
    ...rows,
    ...(seen.length === 0 ? [] : ["", ...seen]),
  ];
}

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

/** Words without what differs from run to run: directories, addresses and names made by chance. */
const plain = (words: string): string =>
  short(words, 260)
    .replaceAll(/\/tmp\/cni-conformance-\w+\/\S*?(?=[\s",;)\\]|$)/g, "DIRECTORY")
    .replaceAll(/\b(?!02:00:00)([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, "MAC")
    .replaceAll(/\bveth[0-9a-f]{8}\b/g, "veth…")
    .replaceAll(/\bCNI-(DN-)?[0-9a-f]{10,}/g, "CNI-$1…")
    .replaceAll(/\/proc\/\d+\//g, "/proc/PID/")
    .replaceAll(/\bc\d+x\d+\b/g, "CONTAINER")
    .replaceAll(/[`*_<>]/g, (sign) => `\\${sign}`);
