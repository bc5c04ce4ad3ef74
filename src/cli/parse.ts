/** Parses command lines by commander, whose parsers are made of the values in flag.ts; what it refuses becomes a UsageError. */
import { CommanderError, Command as Parser } from "commander";
import type { CommandForm, Given } from "./command.ts";
import { argumentUsage, type Flag, type Flags, takesValue } from "./flag.ts";
import { globalFlags } from "./globals.ts";
import { UsageError } from "./usage-error.ts";

/** A command line taken apart. */
export interface Parsed extends Given {
  /** Values of the flags that every command has. */
  global(name: keyof typeof globalFlags): readonly string[];
}

/** What stands before a command's name, and the rest; "help" where that is asked for. Throws UsageError. */
export function parseGlobals(
  line: readonly string[],
  flags: Flags,
): { readonly given: (name: string) => readonly string[]; readonly words: readonly string[] } | "help" {
  const parser = newParser("portolan", flags).passThroughOptions().argument("[words...]");
  const given = parse(parser, flags, line);
  return given === "help" ? given : { given, words: parser.args };
}

/** Parses what stands after a command's name; "help" where that is asked for. Throws UsageError. */
export function parseCommand(path: readonly string[], form: CommandForm, words: readonly string[]): Parsed | "help" {
  const flags = { ...form.flags, ...globalFlags };
  const parser = newParser(["portolan", ...path].join(" "), flags);
  if (form.passThrough) parser.passThroughOptions();
  const listed = Object.entries(form.arguments);
  for (const [, argument] of listed) {
    const name = argument.repeats ? `${argument.name}...` : argument.name;
    parser.argument(argument.required ? `<${name}>` : `[${name}]`);
  }
  const given = parse(parser, flags, words);
  if (given === "help") return given;
  const places = new Map(
    listed.map(([name, { repeats }], at) => [name, repeats ? parser.args.slice(at) : parser.args.slice(at, at + 1)]),
  );
  return { flag: given, global: given, argument: (name) => places.get(name) ?? [] };
}

/** How a command is written: `portolan network create [OPTIONS] NETWORK`. */
export function usageOf(path: readonly string[], form: CommandForm): string {
  return ["portolan", ...path, "[OPTIONS]", ...Object.values(form.arguments).map(argumentUsage)].join(" ");
}

function newParser(name: string, flags: Flags): Parser {
  // commander asks for help before it misses arguments; its text is not used.
  const parser = new Parser(name).helpOption(globalFlags.help.flags).exitOverride().allowExcessArguments(false);
  parser.configureOutput({ writeOut: () => {}, writeErr: () => {} });
  for (const flag of Object.values(flags)) {
    if (flag === globalFlags.help) continue;
    const option = parser.createOption(commanderFlags(flag), flag.meaning);
    if (takesValue(flag)) option.argParser((text: string, before: readonly string[] = []) => [...before, text]);
    parser.addOption(option);
  }
  return parser;
}

/** `--driver DRIVER` as commander writes it: `--driver <DRIVER>`. */
const commanderFlags = ({ flags }: Flag<unknown>): string => flags.replace(/ ([A-Z].*)$/, " <$1>");

function parse(parser: Parser, flags: Flags, words: readonly string[]): ((name: string) => readonly string[]) | "help" {
  // Without an action commander lets missing and excess arguments pass.
  parser.action(() => {});
  try {
    parser.parse(withoutSwitchValues(flags, words), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return "help";
    throw usageErrorOf(parser, error);
  }
  const options = new Map(parser.options.map((option) => [option.flags, option]));
  return (name) => {
    const flag = flags[name];
    const option = flag && options.get(commanderFlags(flag));
    if (flag === undefined || option === undefined) return [];
    const value: unknown = parser.getOptionValue(option.attributeName());
    if (Array.isArray(value)) return value;
    // commander's --no-x makes x false.
    return value === !option.negate ? [""] : [];
  };
}

/** `--internal=true` is `--internal`, `--internal=false` is nothing, as docker's users write them; `--ipv4=false` is `--no-ipv4`. */
function withoutSwitchValues(flags: Flags, words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  const switches = new Set(
    Object.values(flags).flatMap((flag) => (takesValue(flag) ? [] : (flag.flags.match(/--[a-z0-9-]+/g) ?? []))),
  );
  return words.flatMap((word, at) => {
    const match = end === -1 || at < end ? /^--([a-z0-9-]+)=(true|false)$/.exec(word) : null;
    if (!match) return [word];
    const [, name = "", value] = match;
    if (switches.has(`--${name}`)) return value === "true" ? [`--${name}`] : [];
    if (switches.has(`--no-${name}`)) return value === "true" ? [] : [`--no-${name}`];
    return [word];
  });
}

function usageErrorOf(parser: Parser, error: CommanderError): UsageError {
  const [first = "", ...more] = error.message.replace(/^error: /, "").split("\n");
  const suggestion = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(more.join(" "))?.[1];
  const help = `\`${parser.name()} --help\` shows how it is used`;
  return new UsageError(first, suggestion === undefined ? help : `did you mean ${suggestion}? ${help}`);
}
