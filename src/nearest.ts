/** Names the nearest valid name to a mistaken one, so that a refusal can say what was probably meant. */

/** Number of letters to insert, drop, replace or swap with their neighbour to make `b` of `a` (optimal string alignment distance). */
function distance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min((previous[column - 1] ?? 0) + (same ? 0 : 1), (previous[column] ?? 0) + 1);
      best = Math.min(best, (current[column - 1] ?? 0) + 1);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, (beforePrevious[column - 2] ?? 0) + 1);
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

const lastWord = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

/** How far apart two names are; dotted keys are compared by their last words too, so that `mtu` finds `com.docker.network.driver.mtu`. */
function apart(wanted: string, candidate: string): number {
  const [a, b] = [wanted.toLowerCase(), candidate.toLowerCase()];
  return Math.min(distance(a, b), distance(lastWord(a), lastWord(b)) + (a.includes(".") ? 1 : 0));
}

/**
 * The candidate that is most like `wanted`, the first of equals; undefined where there is none, or none of at most `within` changed letters. Letters
 * after the 128th are not compared.
 */
export function nearest(
  wanted: string,
  candidates: Iterable<string>,
  { within = Number.POSITIVE_INFINITY }: { readonly within?: number } = {},
): string | undefined {
  const text = wanted.slice(0, 128);
  let best: { readonly name: string; readonly apart: number } | undefined;
  for (const name of candidates) {
    const here = apart(text, name);
    if (here <= within && (best === undefined || here < best.apart)) best = { name, apart: here };
  }
  return best?.name;
}
