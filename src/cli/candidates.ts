/** What may stand at the cursor: the answer of `portolan __complete`, which the completion scripts ask. */
import type { CommandForm } from "./command.ts";
import { type Completes, type Flag, type Flags, longName, takesValue } from "./flag.ts";
import { globalFlags, globalsOf } from "./globals.ts";
import { findCommand, type Group, registry } from "./registry.ts";

/** Names of what exists, asked of the daemon. */
export type NamesOf = (noun: "network" | "sandbox" | "endpoint" | "topology") => Promise<readonly string[]>;

/** The candidates that begin with `word`, after the complete `words`. */
export async function candidates(words: readonly string[], word: string, namesOf: NamesOf): Promise<readonly string[]> {
  // bash takes --flag=value apart at the equals sign.
  const given = words.filter((other) => other !== "=");
  const start = word === "=" ? "" : word;
  const offered = await candidatesAt(withoutGlobals(given), start, given.at(-1), namesOf);
  return offered.filter((candidate) => candidate.startsWith(start));
}

async function candidatesAt(
  words: readonly string[],
  word: string,
  before: string | undefined,
  namesOf: NamesOf,
): Promise<readonly string[]> {
  const found = findCommand(words[0] === "help" ? words.slice(1) : words);
  if (found.kind === "unknown") return [];
  if (found.kind !== "command") {
    const flag = flagNamed(globalFlags, before);
    if (flag !== undefined) return expand(flag.completes, namesOf);
    return word.startsWith("-") ? flagNames(globalFlags) : groupNames(found, words);
  }
  if (words[0] === "help") return [];
  const { command } = await found.load();
  const flags: Flags = { ...command.flags, ...globalFlags };
  if (found.rest.includes("--")) return [];
  const flag = flagNamed(flags, before);
  if (flag !== undefined) return expand(flag.completes, namesOf);
  const place = placeOf(found.rest, flags);
  if (command.passThrough && place > 0) return [];
  if (word.startsWith("-")) return flagNames(flags);
  return expand(argumentAt(command, place), namesOf);
}

function groupNames(
  found: { readonly kind: "root" } | { readonly kind: "group"; readonly group: Group },
  words: readonly string[],
): readonly string[] {
  if (found.kind === "group") return Object.keys(found.group.commands);
  return words[0] === "help" ? Object.keys(registry) : [...Object.keys(registry), "help"];
}

/** The words without the flags that stand before the command's name. */
function withoutGlobals(words: readonly string[]): readonly string[] {
  let at = 0;
  while (words[at]?.startsWith("-")) at += flagNamed(globalFlags, words[at]) === undefined ? 1 : 2;
  return words.slice(at);
}

/** The flag of that name, if a value follows it. */
function flagNamed(flags: Flags, name: string | undefined): Flag<unknown> | undefined {
  return Object.values(flags).find(
    (flag) => takesValue(flag) && name !== undefined && flag.flags.split(/[ ,]+/).includes(name),
  );
}

const flagNames = (flags: Flags): readonly string[] => Object.values(flags).map((flag) => longName(flag.flags));

/** How many arguments are complete already. */
function placeOf(words: readonly string[], flags: Flags): number {
  return words.filter((word, at) => !word.startsWith("-") && flagNamed(flags, words[at - 1]) === undefined).length;
}

function argumentAt(form: CommandForm, place: number): Completes {
  const list = Object.values(form.arguments);
  const last = list.at(-1);
  return (list[place] ?? (last?.repeats ? last : undefined))?.completes ?? "none";
}

async function expand(completes: Completes, namesOf: NamesOf): Promise<readonly string[]> {
  if (typeof completes !== "string") return completes;
  // Where nothing is offered the shell offers files.
  return completes === "file" || completes === "none" ? [] : await namesOf(completes);
}

/** Asks the daemon, if there is one, and the run directory; an engine is not started for it. */
export function namesFrom(environment: Readonly<Record<string, string | undefined>>): NamesOf {
  const globals = globalsOf({}, environment);
  return async (noun) => {
    try {
      if (noun === "topology") return (await import("../lab/directory.ts")).labNames(globals.runDir);
      const { connectClient } = await import("../api/client.ts");
      await using client = await connectClient(globals.socket);
      if (noun === "network") return (await client.networks()).map(({ name }) => name);
      if (noun === "sandbox") return (await client.sandboxes()).map(({ name }) => name);
      return (await client.endpoints()).map(({ name }) => name);
    } catch {
      return []; // a completion has nobody to complain to
    }
  };
}
