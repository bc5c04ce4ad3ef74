/** Starts plugins as runtimes do, and times them without what starting a process from Node.js costs. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Compiles a C program without anything special, and links it as asked; its path. */
export function compile(directory: string, name: string, source: string, ...flags: readonly string[]): string {
  const program = join(directory, name);
  execFileSync("cc", ["-O2", ...flags, "-x", "c", "-o", program, source]);
  return program;
}

/** What one call took, and printed. */
export interface Timed {
  readonly milliseconds: number;
  readonly output: string;
}

/** Runs programs by a stopwatch of C. */
export class Stopwatch {
  readonly #program: string;
  readonly #input: string;

  constructor(directory: string) {
    this.#program = compile(directory, "stopwatch", join(import.meta.dirname, "stopwatch.c"));
    this.#input = join(directory, "input");
  }

  /** Runs a program to its end. Throws where it fails. */
  run(program: string, environment: Readonly<Record<string, string>>, input = ""): Timed {
    writeFileSync(this.#input, input);
    const env = { PATH: process.env["PATH"], ...environment };
    const { stdout, stderr } = spawnSync(this.#program, [this.#input, program], { encoding: "utf8", env });
    const end = stdout.indexOf("\n");
    const [nanoseconds, status] = stdout.slice(0, end).split(" ");
    const output = stdout.slice(end + 1);
    if (status !== "0") throw new Error(`${program} ${environment["CNI_COMMAND"]} failed: ${output}${stderr}`);
    return { milliseconds: Number(nanoseconds) / 1e6, output };
  }
}

/** One of a chain's plugins, as a network list has it. */
export interface PluginConfiguration {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A chain of plugins in a folder, called for a container. */
export interface Chain {
  readonly folder: string;
  readonly network: string;
  readonly plugins: readonly PluginConfiguration[];
}

/** Who is attached. */
export interface Container {
  readonly id: string;
  readonly namespace: string;
}

/** Runs one plugin of a chain. */
function call(
  stopwatch: Stopwatch,
  command: "ADD" | "DEL",
  { folder, network }: Chain,
  plugin: PluginConfiguration,
  { id, namespace }: Container,
  previous: unknown,
): Timed {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: id,
    CNI_NETNS: namespace,
    CNI_IFNAME: "eth0",
    CNI_PATH: folder,
  };
  const configuration = {
    cniVersion: "1.0.0",
    name: network,
    ...plugin,
    ...(previous !== undefined && { prevResult: previous }),
  };
  return stopwatch.run(join(folder, plugin.type), environment, JSON.stringify(configuration));
}

/** Attaches a container: what all plugins of the chain took, and the last one's result. */
export function attach(
  stopwatch: Stopwatch,
  chain: Chain,
  container: Container,
): { readonly milliseconds: number; readonly result: unknown } {
  let [milliseconds, result]: [number, unknown] = [0, undefined];
  for (const plugin of chain.plugins) {
    const called = call(stopwatch, "ADD", chain, plugin, container, result);
    milliseconds += called.milliseconds;
    result = JSON.parse(called.output);
  }
  return { milliseconds, result };
}

/** Detaches it, the last plugin first; milliseconds of all. */
export function detach(stopwatch: Stopwatch, chain: Chain, container: Container, result: unknown): number {
  return chain.plugins
    .toReversed()
    .reduce((sum, plugin) => sum + call(stopwatch, "DEL", chain, plugin, container, result).milliseconds, 0);
}
