import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readBoolean, readLinkName, readLinkPrefix, readMtu, readOptions } from "../../../src/drivers/options.ts";

const table = { "com.docker.network.driver.mtu": readMtu, icc: readBoolean } as const;

test("options are read by their table, and those not given stay away", () => {
  assert.deepEqual(readOptions("bridge", "network", table, { icc: "false" }), { icc: false });
});

test("an unknown option is refused, never dropped, and the nearest one named", () => {
  assert.throws(() => readOptions("bridge", "network", table, { "com.docker.network.mtu": "1400" }), {
    code: "invalid-option",
    object: 'option "com.docker.network.mtu"',
    advice: /did you mean "com\.docker\.network\.driver\.mtu"/,
  });
  for (const key of ["constructor", "__proto__", "toString", ""]) {
    assert.throws(() => readOptions("bridge", "network", table, JSON.parse(`{"${key}": "x"}`)), {
      code: "invalid-option",
    });
  }
});

test("truth values are those that Go's ParseBool knows", () => {
  for (const text of ["1", "t", "T", "true", "TRUE", "True"]) assert.equal(readBoolean(text, "icc"), true);
  for (const text of ["0", "f", "F", "false", "FALSE", "False"]) assert.equal(readBoolean(text, "icc"), false);
  for (const text of ["", "yes", "on", "tRuE", " true"]) {
    assert.throws(() => readBoolean(text, "icc"), { code: "invalid-option", object: 'option "icc"' });
  }
});

test("an MTU is from 68 to 65535 bytes, and 0 leaves it to the kernel", () => {
  assert.equal(readMtu("68", "mtu"), 68);
  assert.equal(readMtu("65535", "mtu"), 65535);
  assert.equal(readMtu("0", "mtu"), undefined);
  for (const text of ["67", "65536", "-1", "1e3", "0x5dc", "1500 ", "", "99999999999999999999"]) {
    assert.throws(() => readMtu(text, "mtu"), { code: "invalid-option" });
  }
});

test("link names are those that the kernel takes", () => {
  for (const name of ["br0", "eth0.10", "a", "fifteen-letters", "müli"]) assert.equal(readLinkName(name, "name"), name);
  for (const name of ["", ".", "..", "sixteen-letters-", "a/b", "a b", "a:1", "eth%d", "a\n", "a\0", "üüüüüüüü"]) {
    assert.throws(() => readLinkName(name, "name"), { code: "invalid-option" }, JSON.stringify(name));
  }
});

test("a link prefix leaves room for a number", () => {
  assert.equal(readLinkPrefix("twelve-bytes", "prefix"), "twelve-bytes");
  assert.throws(() => readLinkPrefix("thirteen-long", "prefix"), { code: "invalid-option" });
});

test("whatever text is given, a link name that is taken is one path segment of at most 15 bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
      try {
        const name = readLinkName(text, "name");
        assert.ok(Buffer.byteLength(name) <= 15 && !/[/\s\0]/.test(name) && name !== "..");
      } catch (error) {
        assert.equal((error as { code?: string }).code, "invalid-option");
      }
    }),
  );
});
