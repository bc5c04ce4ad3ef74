import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { tableLines } from "../../../src/cli/table.ts";

test("columns are as wide as their widest cell and three blanks, at least ten, and the last has no padding", () => {
  assert.deepEqual(
    tableLines(
      ["NETWORK ID", "NAME", "DRIVER"],
      [
        ["4f2c90d1a7b3", "front", "bridge"],
        ["9a8b7c6d5e4f", "a-longer-name", "host"],
      ],
    ),
    [
      "NETWORK ID     NAME            DRIVER",
      "4f2c90d1a7b3   front           bridge",
      "9a8b7c6d5e4f   a-longer-name   host",
    ],
  );
});

test("a table without rows is its headings", () => {
  assert.deepEqual(tableLines(["NAME", "DRIVER"], []), ["NAME      DRIVER"]);
});

test("every cell of a column starts at the place of its heading, whatever letters are in the others", () => {
  const word = fc.stringMatching(/^[a-zäß🛶]{1,14}$/u);
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word, word), { maxLength: 6 }), (rows) => {
      const lines = tableLines(["ONE", "TWO", "THREE"], rows).map((line) => [...line]);
      const second = lines[0]?.join("").indexOf("TWO") ?? 0;
      const third = lines[0]?.join("").indexOf("THREE") ?? 0;
      for (const [at, [, two, three]] of rows.entries()) {
        const line = lines[at + 1] ?? [];
        assert.equal(line.slice(second, third).join("").trimEnd(), two);
        assert.equal(line.slice(third).join(""), three);
      }
    }),
  );
});
