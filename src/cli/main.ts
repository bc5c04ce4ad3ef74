/** The program `portolan`: finds the command, parses its line, runs it, and tells what went wrong. */
import { nearest } from "../nearest.ts";
import type { Context } from "./command.ts";
import { failureJson, failureText, Interrupted, statusOf } from "./failure.ts";
import { on } from "./flag.ts";
import { type EngineFlags, globalFlags, globalsOf } from "./globals.ts";
import { commandHelp, groupHelp, programHelp } from "./help.ts";
import { processOutput } from "./output.ts";
import { parseCommand, parseGlobals } from "./parse.ts";
import { findCommand } from "./registry.ts";
import { UsageError } from "./usage-error.ts";

const output = processOutput();
const publishAdvice = "give it to `portolan daemon`, or write the address before each port: 127.0.0.1:8080:80";
const programFlags = { ...globalFlags, version: on("-v, --version", "Show the version") } as const;

/** Runs a command line; the exit status. */
async function run(line: readonly string[], signal: AbortSignal): Promise<number> {
  const before = parseGlobals(line, programFlags);
  if (before === "help") return print(await programHelp());
  if (programFlags.version.read(before.given("version"))) {
    const { version } = await import("../api/version.ts");
    return print(`portolan ${version()}`);
  }
  const [first, ...rest] = before.words;
  if (first === "help") return print(await helpOf(rest));
  if (first === "__complete") {
    const { candidates, namesFrom } = await import("./candidates.ts");
    const words = rest[0] === "--" ? rest.slice(1) : rest;
    const offered = await candidates(words.slice(0, -1), words.at(-1) ?? "", namesFrom(process.env));
    for (const candidate of offered) output.line(candidate);
    return 0;
  }
  const found = findCommand(before.words);
  if (found.kind !== "command") return print(await helpOf(before.words));
  const { command } = await found.load();
  const parsed = parseCommand(found.path, command, found.rest);
  if (parsed === "help") return print(commandHelp(found.path, command));
  const global = (name: keyof EngineFlags): string | undefined =>
    programFlags[name].read([...before.given(name), ...parsed.global(name)]);
  const globals = globalsOf(
    {
      socket: global("socket"),
      stateDir: global("stateDir"),
      runDir: global("runDir"),
      publishAddress: global("publishAddress"),
    },
    process.env,
  );
  const context: Context = {
    globals,
    output,
    signal,
    client: async () => {
      const { connectClient, openClient } = await import("../api/client.ts");
      const client = await (globals.socketNamed ? connectClient(globals.socket) : openClient(globals));
      if (!client.daemon || !globals.publishAddressNamed) return client;
      await client[Symbol.asyncDispose]();
      throw new UsageError("--publish-address is the daemon's, and this command's engine is one", publishAdvice);
    },
  };
  return await command.execute(parsed, context);
}

function print(text: string): number {
  output.line(text);
  return 0;
}

/** Help of what the words name; throws UsageError where that is nothing. */
async function helpOf(words: readonly string[]): Promise<string> {
  const found = findCommand(words);
  switch (found.kind) {
    case "root":
      return programHelp();
    case "group":
      return groupHelp(found.path, found.group);
    case "command":
      return commandHelp(found.path, (await found.load()).command);
    case "unknown": {
      const { word, path, names } = found;
      const help = `\`${["portolan", "help", ...path].join(" ")}\` lists what there is`;
      const meant = nearest(word, names, { within: Math.ceil(word.length / 3) });
      throw new UsageError(
        word.startsWith("-") ? `unknown option '${word}'` : `unknown command "${[...path, word].join(" ")}"`,
        meant === undefined ? help : `did you mean "${[...path, meant].join(" ")}"? ${help}`,
      );
    }
  }
}

/** Whether errors are to be JSON: asked of the words themselves, as they may be what cannot be parsed. */
function wantsJson(line: readonly string[]): boolean {
  const end = line.indexOf("--");
  const words = end === -1 ? line : line.slice(0, end);
  return words.some((word, at) => word === "--format=json" || (word === "--format" && words[at + 1] === "json"));
}

/** The first of these signals takes the call back, the second ends the process at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      const interrupted = new Interrupted(name);
      if (controller.signal.aborted) process.exit(interrupted.exitStatus);
      controller.abort(interrupted);
    });
  }
  return controller.signal;
}

const line = process.argv.slice(2);
const signal = abortOnSignals();
try {
  process.exitCode = await run(line, signal);
} catch (error) {
  process.exitCode = statusOf(signal.aborted ? signal.reason : error);
  output.note(wantsJson(line) ? JSON.stringify(failureJson(error)) : failureText(error));
}
