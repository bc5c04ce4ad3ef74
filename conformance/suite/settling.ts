/** Waiting for a namespace to be as it was: the kernel takes links, and a vanished namespace's links, away some time later. */
import { Disagreement, short } from "./expectation.ts";
import type { Place } from "./lab/place.ts";
import { difference } from "./lab/state.ts";

/** Milliseconds that the kernel is given: some for what it does by the way, more to take a vanished namespace apart. */
const patience = { lives: 400, vanished: 2500 };

/** Returns when a place has these links and no others. Errors: `Disagreement` that tells which there are. */
export async function linksBecome(place: Place, names: readonly string[], what: string): Promise<void> {
  const end = performance.now() + patience.lives;
  for (;;) {
    const links = (await place.links()).toSorted();
    if (links.join(" ") === names.toSorted().join(" ")) return;
    if (performance.now() > end) {
      throw new Disagreement(`${what}: ${JSON.stringify(links)} instead of ${JSON.stringify(names)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Returns when a place is as it was; `container` says whether the namespace that left lives on. Errors: `Disagreement` that lists what came and went. */
export async function settlesTo(
  place: Place,
  before: readonly string[],
  what: string,
  container: keyof typeof patience = "lives",
): Promise<void> {
  const end = performance.now() + patience[container];
  for (;;) {
    const changes = difference(before, await place.state());
    if (changes.length === 0) return;
    if (performance.now() > end) {
      const told = changes.slice(0, 4).map((line) => short(line, 220));
      const more = changes.length > told.length ? ` and ${changes.length - told.length} more` : "";
      throw new Disagreement(`${what} is not as it was: ${told.join(" | ")}${more}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
