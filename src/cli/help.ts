/** Help as text: of the program, of a group of commands, of one command. */
import type { CommandForm, Example } from "./command.ts";
import { type Flag, type Flags, takesValue } from "./flag.ts";
import { globalFlags } from "./globals.ts";
import { usageOf } from "./parse.ts";
import { type Group, registry } from "./registry.ts";

const columns = 100;

/** Help of `portolan` itself. */
export async function programHelp(): Promise<string> {
  const commands = await Promise.all(
    Object.entries(registry).map(async ([name, entry]) => {
      const summary = typeof entry === "function" ? (await entry()).command.summary : entry.summary;
      return [name, summary] as const;
    }),
  );
  return sections(
    "Usage: portolan [OPTIONS] COMMAND",
    "A container networking engine for Linux.",
    section("Commands", commands),
    section("Options", [...flagRows(globalFlags), ["-v, --version", "Show the version"]]),
    exampleSection([
      { line: "portolan up --isolated examples/shop.yaml", meaning: "bring a topology up in a throw-away host" },
      { line: "portolan network create front --subnet 10.10.0.0/24", meaning: "make a network" },
    ]),
    "`portolan help COMMAND` shows more of a command.",
  );
}

/** Help of a group: `portolan network`. */
export async function groupHelp(path: readonly string[], { summary, commands }: Group): Promise<string> {
  const loaded = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => [name, (await load()).command] as const),
  );
  const words = path.join(" ");
  return sections(
    `Usage: portolan ${words} COMMAND`,
    `${summary}.`,
    section(
      "Commands",
      loaded.map(([name, command]) => [name, command.summary] as const),
    ),
    exampleSection(loaded.slice(0, 2).map(([, { examples }]) => examples[0])),
    `\`portolan help ${words} COMMAND\` shows more of a command.`,
  );
}

/** Help of one command. */
export function commandHelp(path: readonly string[], form: CommandForm): string {
  const argumentRows = Object.values(form.arguments).map(({ name, meaning }) => [name, meaning] as const);
  return sections(
    `Usage: ${usageOf(path, form)}`,
    `${form.summary}.`,
    ...(form.details === undefined ? [] : [wrapped(form.details)]),
    section("Arguments", argumentRows),
    section("Options", flagRows(form.flags)),
    ...(form.words ?? []).map(({ title, meanings }) => section(title, Object.entries(meanings))),
    section("Global options", flagRows(globalFlags)),
    exampleSection(form.examples),
  );
}

const sections = (...parts: readonly string[]): string => parts.filter((part) => part !== "").join("\n\n");

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}${wrapped(right, width + 2)}`);
  return [`${title}:`, ...lines].join("\n");
}

function exampleSection(examples: readonly Example[]): string {
  const lines = examples.flatMap(({ line, meaning }) => [`  # ${meaning}`, `  ${line}`]);
  return [examples.length === 1 ? "Example:" : "Examples:", ...lines].join("\n");
}

/** Flags as rows: short names before long ones, which stand under each other. */
function flagRows(flags: Flags): readonly (readonly [string, string])[] {
  return Object.values(flags).map((flag) => [shownFlags(flag), flagMeaning(flag)] as const);
}

const shownFlags = ({ flags }: Flag<unknown>): string => (flags.startsWith("--") ? `    ${flags}` : flags);

/** What a flag means, and that it may be given again where it may. */
export function flagMeaning(flag: Flag<unknown>): string {
  return flag.repeats && takesValue(flag) ? `${flag.meaning} (repeatable)` : flag.meaning;
}

/** Breaks text at blanks so that it fits the screen beside an indent; paragraphs stay apart. */
function wrapped(text: string, indent = 0): string {
  const lineEnd = `\n${" ".repeat(indent)}`;
  return text
    .split("\n\n")
    .map((paragraph) => {
      const lines: string[] = [];
      for (const word of paragraph.split(/\s+/)) {
        const line = lines.at(-1);
        if (line === undefined || line.length + 1 + word.length > columns - indent) lines.push(word);
        else lines[lines.length - 1] = `${line} ${word}`;
      }
      return lines.join(lineEnd);
    })
    .join("\n\n");
}
