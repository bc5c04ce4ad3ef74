import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../../src/model/random.ts";

test("pieces have the size asked for, and no two of thousands are alike", () => {
  const random = createRandom();
  const pieces = Array.from({ length: 5000 }, () => Buffer.from(random(16)).toString("hex"));
  assert.ok(pieces.every((piece) => piece.length === 32));
  assert.equal(new Set(pieces).size, pieces.length);
});

test("a piece stays as it is when others are drawn", () => {
  const random = createRandom();
  const piece = random(32);
  const copy = [...piece];
  for (let i = 0; i < 1000; i++) random(32);
  assert.deepEqual([...piece], copy);
});
