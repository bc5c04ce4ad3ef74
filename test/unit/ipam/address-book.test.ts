import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AddressBook } from "../../../src/ipam/default/address-book.ts";

/** The same by lists, however slow. */
class NaiveBook {
  #fresh: bigint[] = [];
  #released: bigint[] = [];
  readonly #used = new Set<bigint>();
  readonly #first: bigint;
  readonly #last: bigint;

  constructor(first: bigint, last: bigint, restored: readonly bigint[]) {
    this.#first = first;
    this.#last = last;
    for (const address of restored) this.#used.add(address);
    const inside = restored.filter((address) => address >= first && address <= last);
    const highest = inside.reduce((high, address) => (address > high ? address : high), first - 1n);
    for (let address = highest + 1n; address <= last; address++) this.#fresh.push(address);
    for (let address = first; address < highest; address++) if (!this.#used.has(address)) this.#fresh.push(address);
  }

  take(address: bigint): boolean {
    if (this.#used.has(address)) return false;
    this.#used.add(address);
    this.#released = this.#released.filter((one) => one !== address);
    return true;
  }

  next(): bigint | undefined {
    for (;;) {
      const address = this.#fresh.shift() ?? this.#released[0];
      if (address === undefined || this.take(address)) return address;
    }
  }

  release(address: bigint): void {
    if (!this.#used.delete(address)) return;
    const waits = this.#fresh.includes(address) || address < this.#first || address > this.#last;
    if (!waits) this.#released.push(address);
  }
}

type Step = { readonly do: "next" } | { readonly do: "take" | "release"; readonly address: bigint };
const near = fc.bigInt({ min: 0n, max: 15n });
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.constant<Step>({ do: "next" }), weight: 3 },
  near.map((address): Step => ({ do: "take", address })),
  { arbitrary: near.map((address): Step => ({ do: "release", address })), weight: 2 },
);

function outcome(book: AddressBook | NaiveBook, one: Step): bigint | boolean | undefined {
  if (one.do === "next") return book.next();
  if (one.do === "take") return book.take(one.address);
  book.release(one.address);
  return undefined;
}

test("addresses come in the order of the naive book, whatever is asked for, given back and restored", () => {
  const restored = fc.uniqueArray(near, { maxLength: 8 });
  fc.assert(
    fc.property(near, near, restored, fc.array(step, { maxLength: 120, size: "max" }), (a, b, earlier, steps) => {
      const [first, last] = a < b ? [a, b] : [b, a];
      const book = new AddressBook(first, last);
      book.restore(earlier);
      const naive = new NaiveBook(first, last, earlier);
      for (const one of steps) assert.equal(outcome(book, one), outcome(naive, one), one.do);
    }),
    { numRuns: 300 },
  );
});

test("no address is out twice, and each that is free is found before the book says that none is left", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9)), (releases) => {
      const book = new AddressBook(1n, 10n);
      const out = new Set<bigint>();
      const fill = (): void => {
        for (let address = book.next(); address !== undefined; address = book.next()) {
          assert.ok(!out.has(address));
          out.add(address);
        }
        assert.equal(out.size, 10);
      };
      fill();
      for (const at of releases) {
        const address = BigInt(at) + 1n;
        book.release(address);
        out.delete(address);
      }
      fill();
    }),
  );
});

test("a released address comes back behind all others, the oldest first", () => {
  const book = new AddressBook(1n, 4n);
  assert.deepEqual([book.next(), book.next()], [1n, 2n]);
  book.release(1n);
  assert.deepEqual([book.next(), book.next()], [3n, 4n]);
  book.release(3n);
  book.release(2n);
  assert.deepEqual([book.next(), book.next(), book.next(), book.next()], [1n, 3n, 2n, undefined]);
});

test("an address that comes and goes by name a hundred thousand times stays the last of the released", () => {
  const book = new AddressBook(1n, 3n);
  while (book.next() !== undefined);
  for (const address of [1n, 2n]) book.release(address);
  for (let i = 0; i < 100_000; i++) {
    assert.ok(book.take(1n));
    book.release(1n);
  }
  assert.deepEqual([book.next(), book.next(), book.next()], [2n, 1n, undefined]);
});

test("the largest pool there is gives its first address at once", () => {
  const book = new AddressBook(1n, (1n << 128n) - 1n);
  book.restore([1n << 127n]);
  assert.deepEqual([book.next(), book.next()], [(1n << 127n) + 1n, (1n << 127n) + 2n]);
});
