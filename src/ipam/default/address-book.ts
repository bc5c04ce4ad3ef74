/**
 * The addresses of one pool. New ones are given from a frontier that only moves up, then those that a restart left free below it, then released ones, oldest
 * first: so a just-released address is not handed to the next comer, and each step costs the same however large or full the pool is.
 */

/** A run of free addresses below the frontier. */
interface Run {
  first: bigint;
  readonly last: bigint;
}

export class AddressBook {
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #used = new Set<bigint>();
  #frontier: bigint;
  /** Runs that were free at the restart, lowest first; an address in one may have been asked for by name meanwhile. */
  readonly #gaps: Run[] = [];
  #gap = 0;
  /** Released addresses, oldest first, from `#head` on. One that was asked for by name since, or released again, has no place here any more. */
  #released: bigint[] = [];
  #head = 0;
  /** Where in `#released` an address stands. */
  #places = new Map<bigint, number>();

  /** A book of the addresses from `first` to `last` that may be chosen; others can only be asked for. */
  constructor(first: bigint, last: bigint) {
    this.#first = first;
    this.#last = last;
    this.#frontier = first;
  }

  /** Gives out that address; false where it is given out already. */
  take(address: bigint): boolean {
    if (this.#used.has(address)) return false;
    this.#used.add(address);
    this.#places.delete(address);
    return true;
  }

  /** Gives out the next address; undefined where none is left. */
  next(): bigint | undefined {
    while (this.#frontier <= this.#last) {
      const address = this.#frontier++;
      if (this.take(address)) return address;
    }
    for (let run = this.#gaps[this.#gap]; run !== undefined; run = this.#gaps[this.#gap]) {
      const address = run.first++;
      if (run.first > run.last) this.#gap++;
      if (this.take(address)) return address;
    }
    while (this.#head < this.#released.length) {
      const place = this.#head++;
      const address = this.#released[place];
      if (address !== undefined && this.#places.get(address) === place && this.take(address)) return address;
    }
    return undefined;
  }

  /** Takes an address back. */
  release(address: bigint): void {
    // Beyond the frontier it will be met on the way up.
    const choosable = address >= this.#first && address <= this.#last && address < this.#frontier;
    if (!this.#used.delete(address) || !choosable) return;
    this.#places.set(address, this.#released.length);
    this.#released.push(address);
    if (this.#released.length > 2 * this.#places.size + 64) this.#compact();
  }

  /** Drops what has no place any more. */
  #compact(): void {
    this.#released = this.#released.filter((address, place) => this.#places.get(address) === place);
    this.#places = new Map(this.#released.map((address, place) => [address, place]));
    this.#head = 0;
  }

  /** Starts from addresses that were given out before: goes on behind the highest, and knows the gaps below it. */
  restore(addresses: readonly bigint[]): void {
    const sorted = addresses.toSorted((a, b) => (a < b ? -1 : 1));
    for (const address of sorted) {
      this.#used.add(address);
      if (address < this.#frontier || address > this.#last) continue;
      if (address > this.#frontier) this.#gaps.push({ first: this.#frontier, last: address - 1n });
      this.#frontier = address + 1n;
    }
  }
}
