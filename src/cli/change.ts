/** What commands that change something share: `--explain`, `--dry-run`, and how the result is shown. */
import type { CallOptions, Client } from "../api/client.ts";
import type { Context } from "./command.ts";
import { exitStatus, failureJson, failureText } from "./failure.ts";
import { choice, type FlagValues, on } from "./flag.ts";
import { jsonText } from "./format.ts";

export const changeFlags = {
  explain: on("--explain", "Print the ip, nft and sysctl commands that do the same"),
  dryRun: on("--dry-run", "Print these commands and change nothing"),
  format: choice("--format FORMAT", "How the result and errors are shown: text or json", ["text", "json"]),
} as const;

type ChangeFlagValues = FlagValues<typeof changeFlags>;

/** A result in both forms. */
export interface Shown {
  /** A line; none where there is nothing to say. */
  readonly text?: string;
  readonly json: unknown;
}

/**
 * Runs a change on the engine and shows its result. With `--explain` the output is a script, in which the result is a comment; as JSON the commands
 * are in the result, under `commands`.
 */
export async function change(
  values: ChangeFlagValues,
  context: Context,
  work: (client: Client, options: CallOptions) => Promise<Shown>,
): Promise<void> {
  await using client = await context.client();
  await show(values, context, (options) => work(client, options));
}

/** As {@link change}, for each of several names: one failure is told and does not stop the rest. The exit status. */
export async function changeEach(
  values: ChangeFlagValues,
  context: Context,
  names: readonly string[],
  work: (client: Client, name: string, options: CallOptions) => Promise<Shown>,
): Promise<number> {
  await using client = await context.client();
  let status = 0;
  for (const name of names) {
    try {
      await show(values, context, (options) => work(client, name, options));
    } catch (error) {
      if (context.signal.aborted || names.length === 1) throw error;
      status = exitStatus.failed;
      context.output.note(values.format === "json" ? jsonText(failureJson(error)) : failureText(error));
    }
  }
  return status;
}

async function show(
  { explain, dryRun, format }: ChangeFlagValues,
  { signal, output }: Context,
  work: (options: CallOptions) => Promise<Shown>,
): Promise<void> {
  const commands: string[] = [];
  const explains = explain || dryRun;
  const asJson = format === "json";
  const told = (lines: readonly string[]): void => {
    if (asJson) commands.push(...lines);
    else for (const line of lines) output.line(line);
  };
  const result = await work({ signal, ...(dryRun && { dryRun }), ...(explains && { explain: told }) });
  if (asJson) {
    const object =
      typeof result.json === "object" && !Array.isArray(result.json) ? result.json : { result: result.json };
    output.line(jsonText(explains ? { ...object, commands } : object));
  } else if (result.text !== undefined && !dryRun) {
    output.line(explains ? `# ${result.text.replaceAll("\n", "\n# ")}` : result.text);
  }
}
