/** dnsperf inside a namespace: queries a second, and how long the slowest hundredth took. */
import { execFile, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

/** What is asked, where, and how much at a time. */
export interface Load {
  /** Path of the namespace to ask from. */
  readonly namespace: string;
  readonly server: string;
  /** Lines of dnsperf's: `NAME TYPE`. */
  readonly questions: readonly string[];
  readonly outstanding: number;
}

export interface Measured {
  readonly perSecond: number;
  readonly lost: number;
}

/** Sockets that the queries go by: a fifth of those outstanding, as several programs in a container would. */
const clientsFor = (outstanding: number): number => Math.max(1, Math.round(outstanding / 5));

function command({ namespace, server, outstanding }: Load, file: string, seconds: number): readonly string[] {
  return [
    ...[`--net=${namespace}`, "dnsperf", "-f", "inet", "-s", server, "-d", file, "-l", String(seconds)],
    ...["-q", String(outstanding), "-c", String(clientsFor(outstanding))],
  ];
}

const run = promisify(execFile);

/** Asks for some seconds as fast as answers come. Throws where an answer is an error: another thing than meant would be measured. */
export async function measureRate(load: Load, seconds: number): Promise<Measured> {
  const file = questionFile(load);
  const { stdout } = await run("nsenter", command(load, file, seconds));
  const codes = /Response codes: +(.*)/.exec(stdout)?.[1] ?? "";
  if (!/^NOERROR \d+ \(100\.00%\)$/.test(codes)) throw new Error(`${load.questions[0]} at ${load.server}: ${codes}`);
  return {
    perSecond: Number(/Queries per second: +([\d.]+)/.exec(stdout)?.[1]),
    lost: Number(/Queries lost: +(\d+)/.exec(stdout)?.[1]),
  };
}

/** The time that 99 of 100 answers take at most, milliseconds, at a rate that is the same for everybody (queries a second). */
export function measureSlowest(load: Load, seconds: number, rate: number): number {
  const file = questionFile(load);
  const answers = "/run/answers";
  const out = openSync(answers, "w");
  const args = [...command(load, file, seconds), "-Q", String(rate), "-v"];
  spawnSync("nsenter", args, { stdio: ["ignore", out, "ignore"] });
  closeSync(out);
  const times = readFileSync(answers, "utf8")
    .split("\n")
    .flatMap((line) => /^> \S+ \S+ \S+ ([\d.]+)$/.exec(line)?.[1] ?? [])
    .map((text) => Number(text) * 1000)
    .toSorted((a, b) => a - b);
  rmSync(answers);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

function questionFile({ questions }: Load): string {
  const file = "/run/questions";
  writeFileSync(file, `${questions.join("\n")}\n`);
  return file;
}
