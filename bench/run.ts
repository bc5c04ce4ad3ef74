/**
 * Runs the benchmarks, each file in a process (and host namespace) of its own, and rewrites bench/RESULTS.md. Names on the command line
 * select some of them and leave RESULTS.md alone.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { globSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { basename, join } from "node:path";
import { installDebianPackages } from "../test/support/debian-packages.ts";
import type { Figure } from "./measure.ts";

const wanted = process.argv.slice(2);
const files = globSync("*.bench.ts", { cwd: import.meta.dirname })
  .toSorted()
  .filter((file) => wanted.length === 0 || wanted.includes(basename(file, ".bench.ts")));

/** Runs one benchmark file and gives its figures; throws where it fails. */
async function runFile(file: string): Promise<readonly Figure[]> {
  console.log(`== ${file}`);
  const child = fork(join(import.meta.dirname, file), { stdio: "inherit" });
  const figures: Figure[] = [];
  // Only report() of measure.ts sends, and it sends figures.
  child.on("message", (message) => figures.push(...(message as Figure[])));
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${file} ended with status ${code}`);
  return figures;
}

const round = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** One line of the table. */
function row({ what, ours, unit, other, bar, met }: Figure): string {
  const theirs = other === undefined ? "" : `${round(other.value)} ${unit} (${other.name})`;
  const ratio = other === undefined ? "" : `${round(other.value / ours)} ×`;
  const verdict = met === undefined ? "" : met ? "yes" : "**no**";
  return `| ${what} | ${round(ours)} ${unit} | ${theirs} | ${ratio} | ${bar ?? ""} | ${verdict} |`;
}

installDebianPackages(["iproute2", "nftables", "iptables", "containernetworking-plugins"]);
const sections: string[] = [];
for (const file of files) {
  const figures = await runFile(file);
  const lines = figures.map(row);
  console.log(lines.join("\n"));
  sections.push(
    `## ${basename(file, ".bench.ts")}\n\n| what | ours | other side | other ÷ ours | bar | met |\n|---|---|---|---|---|---|\n${lines.join("\n")}\n`,
  );
}
if (wanted.length === 0) {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, Linux ${release()}, Node.js ${process.version}`;
  writeFileSync(
    join(import.meta.dirname, "RESULTS.md"),
    `# Results\n\nWritten by \`npm run bench\`. Both sides of a comparison ran in one loop; medians unless said otherwise. Times move by half from day to day on a shared machine: read the ratios.\n\n${machine}\n\n${sections.join("\n")}`,
  );
}
