/** docs/cli.md, made of the commands themselves. */
import type { Command } from "./command.ts";
import type { Argument, Flags } from "./flag.ts";
import { globalFlags } from "./globals.ts";
import { flagMeaning } from "./help.ts";
import { usageOf } from "./parse.ts";
import { allCommands, registry } from "./registry.ts";

/** The whole page as Markdown. */
export async function commandReference(): Promise<string> {
  const loaded = await Promise.all(
    allCommands().map(async ({ path, load }) => ({ path, command: (await load()).command })),
  );
  const parts = [introduction, index(loaded)];
  for (const [name, entry] of Object.entries(registry)) {
    const own = loaded.filter(({ path }) => path[0] === name);
    if (typeof entry !== "function") parts.push(`## ${name}\n\n${entry.summary}.`);
    const level = typeof entry === "function" ? "##" : "###";
    for (const { path, command } of own) parts.push(commandPart(level, path, command));
  }
  return `${parts.join("\n\n")}\n`;
}

const introduction = `# Commands

<!-- Made by scripts/cli-docs.ts of the commands in src/cli: change them there. -->

    portolan [OPTIONS] COMMAND

Every command works with a daemon and without one: where none listens on the socket, the command runs the engine itself, under the lock of its store. A socket that
is named (\`--socket\`, \`PORTOLAN_SOCKET\`) is meant, and the command fails where nobody listens there.

Results go to standard output, everything else to standard error. Exit statuses: 0 done, 1 failed, 2 the command line cannot be understood, 130 ended by SIGINT, 143 by
SIGTERM. A failure names what failed, why, and what to do; with \`--format json\` it is a JSON object with \`code\`, \`message\`, \`object\`, \`reason\` and \`advice\`.

Networks, sandboxes and endpoints are named by their name, their id, or the beginning of an id that no other one has.

Templates take the names that \`--format json\` shows, in any case: \`{{.Name}}\`, \`{{.Ipam.Driver}}\`, \`{{json .Labels}}\`.

Options of every command:

${rows(flagRows(globalFlags))}`;

function index(commands: readonly { readonly path: readonly string[]; readonly command: Command }[]): string {
  const lines = commands.map(({ path, command }) => {
    const words = path.join(" ");
    return `| [${words}](#${path.join("-")}) | ${command.summary} |`;
  });
  return ["| command | |", "|---|---|", ...lines].join("\n");
}

function commandPart(level: string, path: readonly string[], command: Command): string {
  const argumentRows = Object.values(command.arguments).map(
    ({ name, meaning }: Argument<unknown>) => [name, meaning] as const,
  );
  const options = [...argumentRows, ...flagRows(command.flags)];
  return [
    `${level} ${path.join(" ")}`,
    `    ${usageOf(path, command)}`,
    `${command.summary}.${command.details === undefined ? "" : ` ${command.details}`}`,
    ...(options.length > 0 ? [rows(options)] : []),
    ...(command.words ?? []).map(({ title, meanings }) => `${title}:\n\n${rows(Object.entries(meanings))}`),
    command.examples.map(({ line, meaning }) => `    # ${meaning}\n    ${line}`).join("\n"),
  ].join("\n\n");
}

function flagRows(flags: Flags): readonly (readonly [string, string])[] {
  return Object.values(flags).map((flag) => [flag.flags, flagMeaning(flag)] as const);
}

function rows(cells: readonly (readonly [string, string])[]): string {
  const lines = cells.map(([left, right]) => `| \`${left}\` | ${right.replaceAll("|", "\\|")} |`);
  return ["| | |", "|---|---|", ...lines].join("\n");
}
