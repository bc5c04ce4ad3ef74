/**
 * The program that an installed plugin becomes where no daemon listens: `portolan [FLAGS] cni plugin TYPE` without all that finds and parses commands, because it is
 * started for every call. Its words are those that `portolan cni install` wrote into the plugin. scripts/build.mjs joins it into one file, alone.cjs.
 */
import { readFileSync, writeSync } from "node:fs";
import { execute } from "../api/cni.ts";
import { type EngineFlags, globalsOf } from "./globals.ts";

const flags: Readonly<Record<string, keyof EngineFlags>> = {
  "--state-dir": "stateDir",
  "--run-dir": "runDir",
  "--publish-address": "publishAddress",
};

/** What the words give: pairs of a flag and its value, then `cni plugin TYPE`. */
function read(words: readonly string[]): { readonly given: Partial<EngineFlags>; readonly type: string } {
  const given: Record<string, string> = {};
  let at = 0;
  for (let name = flags[words[at] ?? ""]; name !== undefined; name = flags[words[at] ?? ""]) {
    given[name] = words[at + 1] ?? "";
    at += 2;
  }
  return { given, type: words[at + 2] ?? "" };
}

/** Writes all of a text, also into a pipe that is full and does not block. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

async function run(): Promise<void> {
  const { given, type } = read(process.argv.slice(2));
  const environment = Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
  const execution = { type, environment, input: readFileSync(0, "utf8") };
  const { status, output } = await execute(execution, globalsOf(given, process.env));
  print(output);
  // Nothing is left to be waited for.
  process.exit(status);
}

void run();
