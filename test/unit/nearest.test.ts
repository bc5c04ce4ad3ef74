import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nearest } from "../../src/nearest.ts";

const cases: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ["bridg", ["bridge", "host", "none"], "bridge"],
  ["hsot", ["bridge", "host", "none"], "host"],
  ["mtu", ["com.docker.network.bridge.name", "com.docker.network.driver.mtu"], "com.docker.network.driver.mtu"],
  [
    "com.docker.network.mtu",
    ["com.docker.network.bridge.name", "com.docker.network.driver.mtu"],
    "com.docker.network.driver.mtu",
  ],
  ["SUBNET", ["subnet", "gateway"], "subnet"],
  ["anything", [], undefined],
];

for (const [wanted, candidates, want] of cases) {
  test(`the nearest of ${candidates.join(", ") || "nothing"} to ${wanted} is ${want}`, () => {
    assert.equal(nearest(wanted, candidates), want);
  });
}

test("a name of a megabyte is answered at once", () => {
  assert.equal(nearest("b".repeat(1 << 20), ["bridge"]), "bridge");
});

test("a name that is there is the nearest to itself, however it is written", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z-]{1,12}$/), { minLength: 1 }), fc.nat(), (names, pick) => {
      const wanted = names[pick % names.length] ?? "";
      assert.equal(nearest(wanted, names), wanted);
      assert.equal(nearest(wanted.toUpperCase(), names), wanted);
      assert.equal(nearest(wanted, names, { within: 0 }), wanted);
    }),
  );
});

test("a letter that is missing, doubled, wrong or swapped is within one change", () => {
  const names = ["bridge", "overlay", "macvlan"];
  for (const mistake of ["bidge", "briidge", "brudge", "brigde", "overlya"]) {
    const wanted = mistake.startsWith("b") ? "bridge" : "overlay";
    assert.equal(nearest(mistake, names, { within: 1 }), wanted);
  }
  assert.equal(nearest("bdrgi", names, { within: 1 }), undefined);
});
