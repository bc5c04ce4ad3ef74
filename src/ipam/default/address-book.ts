/**
 * The addresses of one pool. New ones are given from a frontier that only moves up, then released ones, oldest first: so a just-released address is not
 * handed to the next comer, and each step costs the same however large or full the pool is.
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
  /** Free runs, oldest first; an address in one may have been asked for by name meanwhile. */
  readonly #released: Run[] = [];
  #head = 0;

  /** A book of the addresses from `first` to `last` that may be chosen; others can only be asked for. */
  constructor(first: bigint, last: bigint) {
    this.#first = first;
    this.#last = last;
    this.#frontier = first;
  }

  /** Whether an address is given out. */
  has(address: bigint): boolean {
    return this.#used.has(address);
  }

  /** Gives out that address; false where it is given out already. */
  take(address: bigint): boolean {
    if (this.#used.has(address)) return false;
    this.#used.add(address);
    return true;
  }

  /** Gives out the next address; undefined where none is left. */
  next(): bigint | undefined {
    while (this.#frontier <= this.#last) {
      const address = this.#frontier++;
      if (this.take(address)) return address;
    }
    for (let run = this.#released[this.#head]; run !== undefined; run = this.#released[this.#head]) {
      const address = run.first++;
      if (run.first > run.last) this.#advance();
      if (this.take(address)) return address;
    }
    return undefined;
  }

  /** Leaves the oldest run behind; the emptied part of the list is dropped now and then. */
  #advance(): void {
    this.#head++;
    if (this.#head > 64 && this.#head * 2 > this.#released.length) {
      this.#released.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Takes an address back. */
  release(address: bigint): void {
    // Beyond the frontier it will be met on the way up.
    const choosable = address >= this.#first && address <= this.#last && address < this.#frontier;
    if (this.#used.delete(address) && choosable) this.#released.push({ first: address, last: address });
  }

  /** Starts from addresses that were given out before: goes on behind the highest, and knows the gaps below it. */
  restore(addresses: readonly bigint[]): void {
    const sorted = addresses.toSorted((a, b) => (a < b ? -1 : 1));
    for (const address of sorted) {
      this.#used.add(address);
      if (address < this.#frontier || address > this.#last) continue;
      if (address > this.#frontier) this.#released.push({ first: this.#frontier, last: address - 1n });
      this.#frontier = address + 1n;
    }
  }
}
