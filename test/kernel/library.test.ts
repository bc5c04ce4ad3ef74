/** The programs that show the library, run as they stand: they use the package by its name, as built. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { enterTestHost, missing } from "../support/test-host.ts";
import { wholeState } from "../support/whole-state.ts";

enterTestHost();

const root = join(import.meta.dirname, "..", "..");
const runProgram = (path: string): string => execFileSync(process.execPath, [path], { cwd: root, encoding: "utf8" });

test("examples/library.mjs does what it says, and leaves nothing", { skip: missing("ping") }, () => {
  const before = wholeState("/run");
  const out = runProgram("examples/library.mjs");
  assert.match(out, /^ip link add veth\w+ .* netns \/run\/portolan-example\/netns\/\w+$/m);
  assert.match(out, /^web is 10\.88\.0\.80\/24 \([0-9a-f:]{17}\) on eth0$/m);
  assert.match(out, /1 received, 0% packet loss/);
  assert.match(out, /^refused, and nothing has changed: network front has active endpoints \(it has 2 endpoints/m);
  assert.deepEqual(wholeState("/run"), before);
});

test("the README's library program runs", () => {
  const [, program] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
  assert.ok(program);
  // Beside the package, so that its name leads to it.
  const path = join(root, "dist", `readme-${process.pid}.mjs`);
  writeFileSync(path, `${program}await sandbox.delete();\nawait network.delete();\n`);
  try {
    assert.match(runProgram(path), /^10\.\d+\.\d+\.2\/24$/m);
  } finally {
    rmSync(path);
  }
});
