import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../src/errors.ts";
import { find } from "../../../src/model/lookup.ts";

interface Item {
  readonly id: string;
  readonly name: string;
}

const id = (start: string) => start.padEnd(64, "0");
const items: readonly Item[] = [
  { id: id("abc1"), name: "web" },
  { id: id("abc2"), name: "api" },
  { id: id("def"), name: "abc1" },
  { id: id("123"), name: "twice" },
  { id: id("456"), name: "twice" },
];

function look(reference: string, among: readonly Item[] = items): Item {
  const byId = new Map(among.map((item) => [item.id, item]));
  return find("network", reference, byId, (name) => among.filter((item) => item.name === name));
}

const found: readonly (readonly [string, string, Item | undefined])[] = [
  ["a name", "web", items[0]],
  ["a whole id", id("abc2"), items[1]],
  ["the beginning of an id", "de", items[2]],
  ["a name that is also the beginning of an id", "abc1", items[2]],
  ["a longer beginning", "abc10", items[0]],
];

for (const [what, reference, want] of found) {
  test(`an object is found by ${what}`, () => assert.equal(look(reference), want));
}

const refused: readonly (readonly [string, string, "ambiguous" | "not-found"])[] = [
  ["a beginning of two ids", "abc", "ambiguous"],
  ["a name that two have", "twice", "ambiguous"],
  ["nothing of that name", "wbe", "not-found"],
  ["an empty reference", "", "not-found"],
  ["capitals", "ABC1", "not-found"],
  ["a pattern", "ab.1", "not-found"],
  ["more than a whole id", `${id("abc1")}0`, "not-found"],
];

for (const [what, reference, code] of refused) {
  test(`${what} is refused as ${code}, and the reference named`, () => {
    assert.throws(
      () => look(reference),
      (error) =>
        isPortolanError(error, code) && error.object === `network "${reference}"` && error.advice !== undefined,
    );
  });
}

test("the nearest name is proposed, and none where there is none", () => {
  assert.throws(() => look("wbe"), { advice: 'did you mean "web"? `portolan network ls` lists all' });
  assert.throws(() => look("web", []), { advice: "there are no networks" });
});

test("every beginning of an id finds its object, or says that it is not the only one", () => {
  const hex = fc.stringMatching(/^[0-9a-f]{4}$/);
  fc.assert(
    fc.property(
      fc.uniqueArray(hex, { minLength: 1 }),
      fc.nat(),
      fc.integer({ min: 1, max: 64 }),
      (starts, pick, length) => {
        // A name with a letter that ids have not.
        const all = starts.map((start) => ({ id: id(start), name: `x${start}` }));
        const wanted = all[pick % all.length];
        const reference = wanted?.id.slice(0, length) ?? "";
        const matching = all.filter((one) => one.id.startsWith(reference));
        if (matching.length === 1) assert.equal(look(reference, all), wanted);
        else assert.throws(() => look(reference, all), { code: "ambiguous" });
      },
    ),
  );
});
