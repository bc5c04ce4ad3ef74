/**
 * Runs the benchmarks, each file in a process (and host namespace) of its own, and rewrites bench/RESULTS.md. Names on the command line
 * select some of them, and only their sections are rewritten.
 */
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { basename, join } from "node:path";
import { advantage, type Figure, type Message } from "./measure.ts";

const nameOf = (file: string): string => basename(file, ".bench.ts");
const files = globSync("*.bench.ts", { cwd: import.meta.dirname }).toSorted();
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !files.some((file) => nameOf(file) === name));
if (unknown !== undefined) {
  console.error(`there is no benchmark "${unknown}"; there are ${files.map(nameOf).join(", ")}`);
  process.exit(2);
}

/** What came of one benchmark. */
interface Outcome {
  readonly figures: readonly Figure[];
  readonly packages: readonly string[];
  /** Why there are no figures. */
  readonly missing?: string;
}

/** Runs one benchmark file. */
async function runFile(file: string): Promise<Outcome> {
  console.log(`== ${file}`);
  const child = fork(join(import.meta.dirname, file), { stdio: "inherit" });
  let outcome: Outcome = { figures: [], packages: [] };
  // Only tell() of measure.ts sends, and it sends these.
  child.on("message", (told) => {
    const message = told as Message;
    if ("figures" in message) outcome = { ...outcome, figures: [...outcome.figures, ...message.figures] };
    else if ("packages" in message) outcome = { ...outcome, packages: message.packages };
    else outcome = { ...outcome, missing: `skipped: ${message.skipped}` };
  });
  const [code] = await once(child, "exit");
  return code === 0 ? outcome : { ...outcome, missing: `failed: it ended with status ${code}` };
}

const round = (value: number): string => (value >= 100 || value === 0 ? value.toFixed(0) : value.toPrecision(3));

/** One line of the table. */
function row(figure: Figure): string {
  const { what, ours, unit, other, bar, met } = figure;
  const theirs = other === undefined ? "" : `${round(other.value)} ${unit} (${other.name})`;
  const times = advantage(figure);
  const ratio = times === undefined ? "" : `${round(times)} ×`;
  const verdict = met === undefined ? "" : met ? "yes" : "**no**";
  return `| ${what} | ${round(ours)} ${unit} | ${theirs} | ${ratio} | ${bar ?? ""} | ${verdict} |`;
}

/** Installed packages with their versions, as Debian counts them. */
function versions(packages: readonly string[]): string {
  if (packages.length === 0) return "";
  const format = `\${Package} \${Version}\n`;
  const { stdout } = spawnSync("dpkg-query", ["--show", "--showformat", format, ...packages], { encoding: "utf8" });
  return `With ${stdout.trim().split("\n").join(", ")}.\n\n`;
}

/** The section of RESULTS.md. */
function section(file: string, { figures, packages, missing }: Outcome): string {
  const heading = `## ${nameOf(file)}\n\n`;
  if (missing !== undefined) return `${heading}${missing}\n`;
  const table = `| what | ours | other side | ours is better by | bar | met |\n|---|---|---|---|---|---|\n`;
  return `${heading}${versions(packages)}${table}${figures.map(row).join("\n")}\n`;
}

/** Sections of RESULTS.md by their names. */
const results = join(import.meta.dirname, "RESULTS.md");
const sections = new Map<string, string>(
  (existsSync(results) ? readFileSync(results, "utf8") : "")
    .split(/^(?=## )/m)
    .slice(1)
    .map((text) => [text.slice(3, text.indexOf("\n")), `${text.trim()}\n`] as const)
    .filter(([name]) => files.some((file) => nameOf(file) === name)),
);
for (const file of wanted.length === 0 ? files : files.filter((file) => wanted.includes(nameOf(file)))) {
  const outcome = await runFile(file);
  if (outcome.missing?.startsWith("failed")) process.exitCode = 1;
  sections.set(nameOf(file), section(file, outcome));
  console.log(outcome.missing ?? outcome.figures.map(row).join("\n"));
}
const memory = Math.round(totalmem() / 2 ** 30);
const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${memory} GiB, Linux ${release()}, Node.js ${process.version}`;
const inOrder = [...sections].toSorted(([a], [b]) => a.localeCompare(b)).map(([, text]) => text);
writeFileSync(
  results,
  `# Results\n\nWritten by \`npm run bench\`. Both sides of a comparison ran in one loop; medians unless said otherwise. Times move by half from day to day on a shared machine: read the ratios.\n\n${machine}\n\n${inOrder.join("\n")}`,
);
