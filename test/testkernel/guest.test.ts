/** What needs kernel features that a machine may lack: each file of guest/ runs under a kernel that has them, in an emulator, which is started once. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { mark, type Outcome } from "./events.ts";

const here = import.meta.dirname;
/** The emulated kernel is given so long, seconds. */
const patience = 600;
/** A runner of tests that finds itself in a test runs nothing. */
const { NODE_TEST_CONTEXT: _, ...outer } = process.env;
/** What boot.sh ends with where there is no such kernel to be had. */
const noKernel = 125;

test("under a kernel with ipvlan, 802.1Q and dummy links", async (t) => {
  const files = globSync("guest/*.test.ts", { cwd: here }).map((file) => join(here, file));
  const { status, stdout, stderr } = spawnSync(
    join(here, "boot.sh"),
    [
      "-t",
      String(patience),
      "--",
      process.execPath,
      "--test",
      "--test-concurrency=1",
      `--test-reporter=${join(here, "events.ts")}`,
      ...files,
    ],
    { encoding: "utf8", maxBuffer: 2 ** 26, env: outer },
  );
  if (status === noKernel) {
    t.skip(`there is no such kernel: ${stderr.trim().split("\n").at(-1)}`);
    return;
  }
  const outcomes = stdout
    .split("\n")
    .filter((line) => line.startsWith(mark))
    .map((line): Outcome => JSON.parse(line.slice(mark.length))); // of events.ts
  assert.ok(outcomes.length > 0, `${status}: ${stdout}${stderr}`);
  for (const { name, passed, skipped, failure } of outcomes) {
    await t.test(name, (one) => {
      if (skipped !== undefined) one.skip(skipped);
      else assert.ok(passed, failure ?? name);
    });
  }
});
