/** A check: one behaviour, with the sentence of the protocol that asks for it. */
import type { Feature } from "./lab/features.ts";
import type { Trial } from "./trial.ts";
import type { Version } from "./versions.ts";

/**
 * How binding a check is. `required`: the specification says MUST, or nothing works without it. `recommended`: it says SHOULD, or libcni, the runtimes and the reference plugins
 * are used to it. `beyond`: better than the reference plugins; nobody has to.
 */
export type Level = "required" | "recommended" | "beyond";

/** What a plugin directory and a machine must have for a check to say anything. */
export interface Needs {
  /** Plugin types that the directory must hold. */
  readonly types: readonly string[];
  /** The first version of the protocol that has it. */
  readonly since?: Version;
  /** The version it is about, where it is about one. */
  readonly version?: Version;
  readonly features?: readonly Feature[];
}

/** One behaviour to be checked. */
export interface Check {
  readonly group: string;
  /** The behaviour, as a sentence. */
  readonly name: string;
  readonly level: Level;
  /** Where it is written, or whose habit it is. */
  readonly reference: string;
  readonly needs: Needs;
  /** Returns when the plugins behave. Errors: `Disagreement` with what was seen instead. */
  readonly run: (trial: Trial) => Promise<void>;
}

/** A check without its group. */
export type Entry = Omit<Check, "group">;

/** Writes a check down. */
export const check = (
  level: Level,
  name: string,
  reference: string,
  needs: Needs | readonly string[],
  run: (trial: Trial) => Promise<void>,
): Entry => ({
  level,
  name,
  reference,
  needs: "types" in needs ? needs : { types: needs },
  run,
});

/** Puts checks into a group. */
export const group = (name: string, entries: readonly Entry[]): readonly Check[] =>
  entries.map((entry) => ({ group: name, ...entry }));

/** A check's whole name, by which filters find it. */
export const titleOf = (subject: Check): string => `${subject.group}: ${subject.name}`;
