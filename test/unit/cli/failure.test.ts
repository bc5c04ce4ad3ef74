import assert from "node:assert/strict";
import { test } from "node:test";
import { failureJson, failureText, statusOf } from "../../../src/cli/failure.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";
import { PortolanError } from "../../../src/errors.ts";

test("a failure is told with its reason, its advice, and what went wrong while undoing", () => {
  const error = new PortolanError("kernel", 'link "br-1" cannot be made', {
    object: 'link "br-1"',
    reason: "EEXIST: File exists",
    advice: "remove it,\nor choose another name",
    suppressed: [new Error("the address stayed")],
  });
  assert.equal(
    failureText(error),
    [
      'portolan: link "br-1" cannot be made',
      "  reason: EEXIST: File exists",
      "  advice: remove it,",
      "    or choose another name",
      "  while undoing: the address stayed",
    ].join("\n"),
  );
  assert.equal(statusOf(error), 1);
});

test("a line that is not understood ends with status 2", () => {
  assert.equal(statusOf(new UsageError("unknown option")), 2);
  assert.deepEqual(failureJson(new UsageError("unknown option", "look")), {
    code: "invalid-argument",
    message: "unknown option",
    advice: "look",
  });
});

test("an error of the system's for want of rights says what to do", () => {
  const error = Object.assign(new Error("EACCES: permission denied, mkdir '/run/portolan'"), { code: "EACCES" });
  assert.equal(failureJson(error).code, "forbidden");
  assert.match(failureText(error), /advice: run it as root/);
});

test("any other error is a fault of the engine's own, and says where", () => {
  assert.equal(failureJson(new TypeError("x is not a function")).code, "internal");
  assert.match(failureText(new TypeError("x is not a function")), /reason: at /);
  assert.equal(failureText("thrown text"), "portolan: thrown text");
});
