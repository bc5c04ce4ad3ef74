/** Finding by what people type: full id, then name, then the beginning of an id, as docker does. */
import { PortolanError } from "../errors.ts";
import { nearest } from "../nearest.ts";

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Whether text can be the beginning of an id. */
const idPrefix = /^[0-9a-f]{1,64}$/;

/** The record that `reference` means; throws `not-found`, `ambiguous`. */
export function find<Item extends Named>(
  what: "network" | "sandbox" | "endpoint",
  reference: string,
  byId: ReadonlyMap<string, Item>,
  named: (name: string) => Item | readonly Item[] | undefined,
): Item {
  const exact = byId.get(reference);
  if (exact !== undefined) return exact;
  const byName = [named(reference) ?? []].flat() as readonly Item[]; // flat() of one item or a list of them
  if (byName.length === 1 && byName[0] !== undefined) return byName[0];
  if (byName.length > 1) throw ambiguous(what, reference, byName.length, "name");
  const byPrefix = idPrefix.test(reference) ? [...byId.values()].filter(({ id }) => id.startsWith(reference)) : [];
  if (byPrefix.length === 1 && byPrefix[0] !== undefined) return byPrefix[0];
  if (byPrefix.length > 1) throw ambiguous(what, reference, byPrefix.length, "id prefix");
  const near = nearest(
    reference,
    [...byId.values()].map(({ name }) => name),
  );
  throw new PortolanError("not-found", `${what} ${reference} not found`, {
    object: `${what} "${reference}"`,
    advice: near === undefined ? `there are no ${what}s` : `did you mean "${near}"? \`portolan ${what} ls\` lists all`,
  });
}

function ambiguous(what: string, reference: string, count: number, by: string): PortolanError {
  return new PortolanError("ambiguous", `${what} ${reference} is ambiguous (${count} matches found based on ${by})`, {
    object: `${what} "${reference}"`,
    advice: "give the full id, or more of it",
  });
}
