import assert from "node:assert/strict";
import { test } from "node:test";
import { extraHostText, parseExtraHost, parseHostName } from "../../../src/address/host-name.ts";

test("names of hosts are labels parted by dots", () => {
  for (const name of ["a", "web-1", "my_db", "a.b.test", "a".repeat(63)])
    assert.equal(parseHostName("host", name), name);
  for (const name of ["", ".", "-a", "a-", "a..b", "a b", "a\n", "ä", "a".repeat(64), `${"a.".repeat(127)}aa`])
    assert.throws(() => parseHostName("host", name), { code: "invalid-argument" }, name);
});

test("an extra host is a name with an address, or with the host's", () => {
  for (const [text, want] of [
    ["db:10.0.0.7", { name: "db", address: "10.0.0.7" }],
    ["db=10.0.0.7", { name: "db", address: "10.0.0.7" }],
    ["db:fd00:0::7", { name: "db", address: "fd00::7" }],
    ["db:[fd00::7]", { name: "db", address: "fd00::7" }],
    ["host.test:host-gateway", { name: "host.test", address: "host-gateway" }],
  ] as const) {
    assert.deepEqual(parseExtraHost(text), want);
    assert.deepEqual(parseExtraHost(extraHostText(parseExtraHost(text))), want);
  }
  for (const text of ["db", "db:", ":10.0.0.7", "db:ten", "-:10.0.0.7"])
    assert.throws(() => parseExtraHost(text), { code: "invalid-argument" }, text);
});
