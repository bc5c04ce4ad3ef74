import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLinkLocal } from "../../../src/address/link-local.ts";

test("a link-local address has the prefix length of its subnet", () => {
  assert.equal(parseLinkLocal("169.254.3.4"), "169.254.3.4/16");
  assert.equal(parseLinkLocal("FE80::0:7"), "fe80::7/64");
});

for (const text of [
  "10.1.0.7",
  "fd00::7",
  "169.253.0.1",
  "fe80:0:0:1::7",
  "fe80::1",
  "fe80::",
  "169.254.0.0",
  "169.254.255.255",
  "169.254.3.4/16",
  "",
]) {
  test(`"${text}" is no endpoint's link-local address`, () => {
    assert.throws(() => parseLinkLocal(text), { code: "invalid-argument" });
  });
}
