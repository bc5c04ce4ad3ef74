import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type ErrorCode,
  type ErrorJson,
  errorCodes,
  errorFromJson,
  isPortolanError,
  PortolanError,
} from "../../src/errors.ts";

// The keys of the table are the codes.
const codes = Object.keys(errorCodes) as ErrorCode[];

test("every code has an HTTP status of an error, and a meaning", () => {
  for (const code of codes) {
    const { status, meaning } = errorCodes[code];
    assert.ok(status >= 400 && status < 600);
    assert.ok(meaning.length > 10);
    assert.equal(new PortolanError(code, "m").status, status);
  }
});

test("an error is the same after its way over the wire", () => {
  const text = fc.option(fc.string(), { nil: undefined });
  fc.assert(
    fc.property(fc.constantFrom(...codes), fc.string(), text, text, text, (code, message, object, reason, advice) => {
      const parts = {
        ...(object !== undefined && { object }),
        ...(reason !== undefined && { reason }),
        ...(advice !== undefined && { advice }),
      };
      const error = new PortolanError(code, message, parts);
      const wire: ErrorJson = JSON.parse(JSON.stringify(error));
      assert.deepEqual(wire, { code, message, ...parts });
      const back = errorFromJson(wire);
      assert.deepEqual(back.toJSON(), error.toJSON());
      assert.ok(back instanceof PortolanError && back.name === "PortolanError");
    }),
  );
});

test("an error is told from others by its code, not its text", () => {
  const error = new PortolanError("in-use", "m");
  assert.ok(isPortolanError(error) && isPortolanError(error, "in-use"));
  assert.ok(!isPortolanError(error, "exists"));
  for (const other of [new Error("m"), { code: "in-use" }, undefined, "in-use"])
    assert.ok(!isPortolanError(other, "in-use"));
});

test("cause and suppressed errors are kept; over the wire go the words of the latter", () => {
  const [cause, second] = [new Error("first"), new Error("second")];
  const error = new PortolanError("kernel", "m", { cause, suppressed: [second] });
  assert.deepEqual([error.cause, error.suppressed], [cause, [second]]);
  assert.deepEqual(error.toJSON(), { code: "kernel", message: "m", suppressed: ["second"] });
  assert.deepEqual(errorFromJson(error.toJSON()).suppressed, [second]);
  assert.ok(!("cause" in new PortolanError("kernel", "m")));
});
