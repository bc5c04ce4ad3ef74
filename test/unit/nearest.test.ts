import assert from "node:assert/strict";
import { test } from "node:test";
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
