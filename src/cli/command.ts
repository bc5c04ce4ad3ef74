/** What a command is: a value that says how it is called and what it does. One file a command, named in registry.ts. */
import type { Client } from "../api/client.ts";
import type { Arguments, ArgumentValues, Flags, FlagValues } from "./flag.ts";
import type { Globals } from "./globals.ts";
import type { Output } from "./output.ts";

/** A line to try, and what it does. */
export interface Example {
  readonly line: string;
  readonly meaning: string;
}

/** What a command works with. */
export interface Context {
  readonly globals: Globals;
  readonly output: Output;
  /** Aborted by SIGINT and SIGTERM; its reason is the failure that the command ends with. */
  readonly signal: AbortSignal;
  /** The engine: the daemon's where one listens, else this process's own. To be disposed of. */
  client(): Promise<Client>;
}

/** How a command is called, without what it does: all that help, completion and docs need. */
export interface CommandForm {
  /** One sentence, without its full stop. */
  readonly summary: string;
  /** More to know, in paragraphs. */
  readonly details?: string;
  readonly arguments: Arguments;
  readonly flags: Flags;
  /** What further words a flag takes, with what they mean. */
  readonly words?: readonly { readonly title: string; readonly meanings: Readonly<Record<string, string>> }[];
  readonly examples: readonly [Example, ...Example[]];
  /** Flags after the first argument are not the command's own but belong to the line it runs. */
  readonly passThrough?: boolean;
}

/** A command as the program runs it: values are read from what was given. */
export interface Command extends CommandForm {
  /** Runs the command; the exit status. */
  execute(given: Given, context: Context): Promise<number>;
}

/** The texts given on a command line, by the names of flags and arguments. */
export interface Given {
  flag(name: string): readonly string[];
  argument(name: string): readonly string[];
}

/** A command with what it does. */
export interface Definition<GivenFlags extends Flags, GivenArguments extends Arguments> extends CommandForm {
  readonly arguments: GivenArguments;
  readonly flags: GivenFlags;
  /** Does it; the exit status, 0 where it gives none. */
  run(
    values: FlagValues<GivenFlags> & ArgumentValues<GivenArguments>,
    context: Context,
  ): Promise<number> | Promise<void>;
}

/** Makes a command; its `run` gets the values of flags and arguments under their names. */
export function defineCommand<const GivenFlags extends Flags, const GivenArguments extends Arguments>(
  definition: Definition<GivenFlags, GivenArguments>,
): Command {
  const { run, ...form } = definition;
  return {
    ...form,
    execute: async (given, context) => {
      const values = Object.fromEntries([
        ...Object.entries(form.flags).map(([name, flag]) => [name, flag.read(given.flag(name))]),
        ...Object.entries(form.arguments).map(([name, argument]) => [name, argument.read(given.argument(name))]),
      ]);
      // Object.fromEntries knows nothing of which name has which type; the two lines above give each its own flag's or argument's value.
      const status = await run(values as FlagValues<GivenFlags> & ArgumentValues<GivenArguments>, context);
      return typeof status === "number" ? status : 0;
    },
  };
}
