import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../../../src/errors.ts";
import { AttributeWriter, readAttributes } from "../../../../../src/kernel/netlink/attribute.ts";
import {
  canonicalExpressions,
  type Expression,
  readExpressions,
  writeExpressions,
} from "../../../../../src/kernel/netlink/nftables/expressions.ts";
import { registerOf, slotOf } from "../../../../../src/kernel/netlink/nftables/values.ts";
import { expression, expressionsByType, plain } from "./arbitraries.ts";

for (const [type, arbitrary] of Object.entries(expressionsByType)) {
  test(`a ${type} expression is read back as it was written`, () => {
    fc.assert(
      fc.property(plain(arbitrary), (one) => {
        assert.deepEqual(canonicalExpressions([one]), [one]);
      }),
    );
  });
}

test("a rule's expressions keep their order, and survive JSON and structured clone", () => {
  fc.assert(
    fc.property(fc.array(expression, { maxLength: 12 }), (rule) => {
      const read = canonicalExpressions(rule);
      assert.deepEqual(read, rule);
      assert.deepEqual(JSON.parse(JSON.stringify(rule)), rule);
      assert.deepEqual(structuredClone(read), rule);
    }),
  );
});

const spellings: readonly { readonly name: string; readonly written: Expression; readonly canonical: Expression }[] = [
  {
    name: "a range of one register is that register",
    written: { type: "nat", kind: "dnat", family: 4, address: { first: 1, last: 1 } },
    canonical: { type: "nat", kind: "dnat", family: 4, address: { first: 1 } },
  },
  {
    name: "no flags are no field",
    written: { type: "masquerade", flags: [] },
    canonical: { type: "masquerade" },
  },
  {
    name: "flags come in the order of their bits",
    written: { type: "fib", flags: ["iif", "saddr"], result: "oif", to: 1 },
    canonical: { type: "fib", flags: ["saddr", "iif"], result: "oif", to: 1 },
  },
];
for (const { name, written, canonical } of spellings) {
  test(`of several spellings one is canonical: ${name}`, () => {
    assert.deepEqual(canonicalExpressions([written]), [canonical]);
  });
}

test("registers are numbered as the kernel's dump numbers them", () => {
  const numbers = Array.from({ length: 16 }, (_, slot) => registerOf(slot));
  assert.deepEqual(numbers, [1, 9, 10, 11, 2, 13, 14, 15, 3, 17, 18, 19, 4, 21, 22, 23]);
  assert.deepEqual(
    numbers.map(slotOf),
    Array.from({ length: 16 }, (_, slot) => slot),
  );
});

/** The bytes of a rule's list of expressions. */
function encoded(rule: readonly Expression[]): Uint8Array {
  const writer = new AttributeWriter();
  writeExpressions(writer, 4, rule);
  return writer.finish();
}

/** Runs a decoder that may refuse its input, but only with the typed error. */
function toleratesRefusal(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!isPortolanError(error, "kernel")) throw error;
  }
}

test("mutated expressions are decoded or refused with the typed error", () => {
  const mutation = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), cut: fc.nat({ max: 8 }) });
  fc.assert(
    fc.property(fc.array(expression, { minLength: 1, maxLength: 6 }), fc.array(mutation), (rule, mutations) => {
      let bytes = Buffer.from(encoded(rule));
      for (const { at, byte, cut } of mutations) {
        bytes[at % bytes.length] = byte;
        if (cut === 0) bytes = bytes.subarray(0, Math.max(1, at % bytes.length));
      }
      toleratesRefusal(() => [...readAttributes(bytes).values()].map(readExpressions));
    }),
    { numRuns: 300 },
  );
});
