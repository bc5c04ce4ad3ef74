import assert from "node:assert/strict";
import { test } from "node:test";
import { remembering } from "../../src/memo.ts";

test("a result is made once as long as it is among the last", () => {
  const made: string[] = [];
  const upper = remembering(2, (text) => {
    made.push(text);
    return [text.toUpperCase()];
  });
  assert.equal(upper("a"), upper("a"));
  assert.deepEqual(upper("b"), ["B"]);
  assert.deepEqual(upper("c"), ["C"]);
  assert.deepEqual(made, ["a", "b", "c"]);
  assert.deepEqual(upper("a"), ["A"]);
  assert.deepEqual(made, ["a", "b", "c", "a"]);
});

test("what fails is tried again", () => {
  let tries = 0;
  const failing = remembering(2, () => {
    tries++;
    throw new Error("no");
  });
  assert.throws(() => failing("a"));
  assert.throws(() => failing("a"));
  assert.equal(tries, 2);
});
