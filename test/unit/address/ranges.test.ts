import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ranges } from "../../../src/address/ranges.ts";

test("the lowest overlapping range is found as by looking at all", () => {
  const range = fc.tuple(fc.bigInt({ min: 0n, max: 60n }), fc.bigInt({ min: 0n, max: 8n }));
  fc.assert(
    fc.property(fc.array(fc.tuple(range, fc.boolean())), fc.array(range), (steps, questions) => {
      const ranges = new Ranges<string>();
      let all: { readonly first: bigint; readonly last: bigint; readonly holder: string }[] = [];
      const lowest = (first: bigint, last: bigint) =>
        all.filter((one) => one.first <= last && first <= one.last).toSorted((a, b) => (a.first < b.first ? -1 : 1))[0];
      for (const [[first, size], adds] of steps) {
        const last = first + size;
        const there = lowest(first, last);
        if (adds && there === undefined) {
          const added = { first, last, holder: `${first}` };
          all.push(added);
          ranges.add(added);
        } else if (!adds) {
          ranges.remove(first);
          all = all.filter((one) => one.first !== first);
        }
        for (const [from, length] of questions)
          assert.deepEqual(ranges.overlapping(from, from + length), lowest(from, from + length));
      }
    }),
  );
});
