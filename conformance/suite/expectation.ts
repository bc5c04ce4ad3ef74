/** What a check says when a plugin does not behave: sentences about what was seen. */
import type { Json } from "./json.ts";

/** A plugin did not do what the check asks for. */
export class Disagreement extends Error {}

/** The check has nothing to ask of this plugin directory or this machine. */
export class NotApplicable extends Error {}

/** Fails the check with what was seen unless it holds. */
export function expect(holds: boolean, seen: string): asserts holds {
  if (!holds) throw new Disagreement(seen);
}

/** Fails the check unless both are the same JSON, whatever the order of keys. */
export function equal(actual: Json | undefined, wanted: Json | undefined, what: string): void {
  expect(
    canonical(actual) === canonical(wanted),
    `${what}: ${short(canonical(actual))} instead of ${short(canonical(wanted))}`,
  );
}

/** JSON text with sorted keys, the same for equal values. */
export function canonical(value: Json | undefined): string {
  return (
    JSON.stringify(value, (_key, inner: Json) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? "nothing"
  );
}

/** Text on one line, cut where it gets long. */
export const short = (words: string, length = 300): string => {
  const line = words.trim().replaceAll(/\s*\n\s*/g, " ");
  return line.length > length ? `${line.slice(0, length)}…` : line;
};
