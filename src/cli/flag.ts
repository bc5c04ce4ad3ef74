/**
 * Flags of commands as values: how each is written, what it means, and how the texts given for it become a typed value. Parsing itself is
 * commander's (parse.ts); help, completion and docs/cli.md are made from the same values.
 */
import { UsageError } from "./usage-error.ts";

/** What completion offers for a flag's value or an argument. */
export type Completes = "network" | "sandbox" | "endpoint" | "topology" | "file" | "none" | readonly string[];

/** A flag of a command whose value is a `Value`. */
export interface Flag<Value> {
  /** As it is written: `-d, --driver DRIVER`, or without a placeholder for a switch. */
  readonly flags: string;
  readonly meaning: string;
  /** Makes the value of the texts given, in their order; a switch that is given has one empty text. Throws UsageError. */
  readonly read: (given: readonly string[]) => Value;
  /** Whether it may be given several times. */
  readonly repeats: boolean;
  readonly completes: Completes;
}

/** Flags by the name their value has in the command's code. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** The values of a command's flags. */
export type FlagValues<Given extends Flags> = {
  readonly [Name in keyof Given]: Given[Name] extends Flag<infer Value> ? Value : never;
};

/** A switch: true where it is given. `--no-…` is a switch, too, that is true where it is given. */
export function on(flags: string, meaning: string): Flag<boolean> {
  return { flags, meaning, repeats: false, completes: "none", read: (given) => given.length > 0 };
}

/** A text; undefined where it is not given. */
export function text(flags: string, meaning: string, completes: Completes = "none"): Flag<string | undefined> {
  return { flags, meaning, repeats: false, completes, read: (given) => given.at(-1) };
}

/** One of a few texts. */
export function choice<Value extends string>(
  flags: string,
  meaning: string,
  values: readonly [Value, ...Value[]],
): Flag<Value> {
  const read = (given: readonly string[]): Value => {
    const last = given.at(-1);
    const found = last === undefined ? values[0] : values.find((value) => value === last);
    if (found !== undefined) return found;
    throw new UsageError(`${longName(flags)} does not take "${last}"`, `it takes ${values.join(", ")}`);
  };
  return { flags, meaning, repeats: false, completes: values, read };
}

/** A whole number. */
export function integer(flags: string, meaning: string): Flag<number | undefined> {
  const read = (given: readonly string[]): number | undefined => {
    const last = given.at(-1);
    if (last === undefined) return undefined;
    const value = Number(last);
    if (/^-?\d+$/.test(last) && Number.isSafeInteger(value)) return value;
    throw new UsageError(`${longName(flags)} takes a whole number, not "${last}"`);
  };
  return { flags, meaning, repeats: false, completes: "none", read };
}

/** A text that may be given several times. */
export function list(flags: string, meaning: string, completes: Completes = "none"): Flag<readonly string[]> {
  return { flags, meaning, repeats: true, completes, read: (given) => given };
}

/** `KEY=VALUE`, several times; the last of equal keys holds. A key alone has the empty value where `bareKeys` allows it; completion offers `keys`. */
export function pairs(
  flags: string,
  meaning: string,
  { bareKeys = false, keys = [] }: { readonly bareKeys?: boolean; readonly keys?: readonly string[] } = {},
): Flag<Readonly<Record<string, string>>> {
  const read = (given: readonly string[]): Readonly<Record<string, string>> =>
    Object.fromEntries(given.map((pair) => keyAndValue(flags, pair, bareKeys)));
  const completes = keys.length === 0 ? "none" : keys.map((key) => `${key}=`);
  return { flags, meaning, repeats: true, completes, read };
}

function keyAndValue(flags: string, pair: string, bareKeys: boolean): readonly [string, string] {
  const equals = pair.indexOf("=");
  if (equals > 0) return [pair.slice(0, equals), pair.slice(equals + 1)];
  if (equals === -1 && bareKeys && pair !== "") return [pair, ""];
  throw new UsageError(`${longName(flags)} takes KEY=VALUE, not "${pair}"`);
}

/** `KEY=VALUE` by key, several times: what listings are filtered by. */
export function filters(keys: readonly string[]): Flag<Readonly<Record<string, readonly string[]>>> {
  const flags = "-f, --filter KEY=VALUE";
  const read = (given: readonly string[]): Readonly<Record<string, readonly string[]>> => {
    const values = new Map<string, string[]>();
    for (const pair of given) {
      const [key, value] = keyAndValue(flags, pair, false);
      values.set(key, [...(values.get(key) ?? []), value]);
    }
    return Object.fromEntries(values);
  };
  const meaning = `Only what matches: ${keys.join(", ")}`;
  return { flags, meaning, repeats: true, completes: keys.map((key) => `${key}=`), read };
}

/** `--driver` of `-d, --driver DRIVER`. */
export function longName(flags: string): string {
  return /--[a-z0-9-]+/.exec(flags)?.[0] ?? flags;
}

/** Whether the flag is followed by a value. */
export function takesValue({ flags }: Flag<unknown>): boolean {
  return / [A-Z]/.test(flags);
}

/** An argument of a command: a word that is not a flag. */
export interface Argument<Value> {
  /** As usage shows it: `NETWORK`. */
  readonly name: string;
  readonly meaning: string;
  readonly required: boolean;
  readonly repeats: boolean;
  readonly completes: Completes;
  readonly read: (given: readonly string[]) => Value;
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>;

/** The values of a command's arguments. */
export type ArgumentValues<Given extends Arguments> = {
  readonly [Name in keyof Given]: Given[Name] extends Argument<infer Value> ? Value : never;
};

/** An argument that must be there. */
export function one(name: string, meaning: string, completes: Completes = "none"): Argument<string> {
  return { name, meaning, required: true, repeats: false, completes, read: (given) => given[0] ?? "" };
}

/** An argument that may be left out. */
export function optional(name: string, meaning: string, completes: Completes = "none"): Argument<string | undefined> {
  return { name, meaning, required: false, repeats: false, completes, read: (given) => given[0] };
}

/** One argument or more; the last of a command. */
export function many(name: string, meaning: string, completes: Completes = "none"): Argument<readonly string[]> {
  return { name, meaning, required: true, repeats: true, completes, read: (given) => given };
}

/** Any number of arguments; the last of a command. */
export function any(name: string, meaning: string, completes: Completes = "none"): Argument<readonly string[]> {
  return { name, meaning, required: false, repeats: true, completes, read: (given) => given };
}

/** An argument as usage shows it: `NETWORK`, `[FILE]`, `NETWORK...`. */
export function argumentUsage({ name, required, repeats }: Argument<unknown>): string {
  const word = repeats ? `${name}...` : name;
  return required ? word : `[${word}]`;
}
