/** Sorted ranges of numbers that do not overlap: who holds what, found by bisection. */

export interface Range<Holder> {
  readonly first: bigint;
  readonly last: bigint;
  readonly holder: Holder;
}

export class Ranges<Holder> {
  readonly #ranges: Range<Holder>[] = [];

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Index of the first range that ends at or behind `value`. */
  #find(value: bigint): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.last ?? 0n) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The lowest range that shares a number with first…last. */
  overlapping(first: bigint, last: bigint): Range<Holder> | undefined {
    const range = this.#ranges[this.#find(first)];
    return range !== undefined && range.first <= last ? range : undefined;
  }

  /** Adds a range that overlaps none. */
  add(range: Range<Holder>): void {
    this.#ranges.splice(this.#find(range.first), 0, range);
  }

  /** Removes the range that begins at `first`. */
  remove(first: bigint): void {
    const at = this.#find(first);
    if (this.#ranges[at]?.first === first) this.#ranges.splice(at, 1);
  }
}
