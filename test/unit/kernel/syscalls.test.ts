import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { refusalOf } from "../../../src/kernel/syscalls.ts";

test("an errno has the name that the kernel gives it", () => {
  const names = [
    "EPERM",
    "ENOENT",
    "EBUSY",
    "EEXIST",
    "ENODEV",
    "EINVAL",
    "EOPNOTSUPP",
    "ENETUNREACH",
    "EADDRNOTAVAIL",
  ] as const;
  for (const name of names) assert.equal(refusalOf(constants.errno[name]).code, name);
  assert.deepEqual(refusalOf(524), { errno: 524, code: "ENOTSUPP", message: "operation is not supported" });
});

test("the kernel's own words come before the system's, and the offset is kept", () => {
  assert.deepEqual(refusalOf(17, "Link exists", 20), { errno: 17, code: "EEXIST", message: "Link exists", offset: 20 });
});
