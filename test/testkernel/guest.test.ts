/** What needs kernel features that a machine may lack: each file of guest/ runs under a kernel that has them, in an emulator. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { compiledModules } from "../support/compiled-modules.ts";
import { mark, type Outcome } from "./events.ts";

const here = import.meta.dirname;
/** The emulated kernel is given so long, seconds. */
const patience = 1200;
/** How often a file is run of which nothing is told but that it failed as a whole, as Node started. */
const tries = 3;
/** A runner of tests that finds itself in a test runs nothing. */
const { NODE_TEST_CONTEXT: _, ...outer } = process.env;
const env = { ...outer, NODE_COMPILE_CACHE: compiledModules };
/** What boot.sh ends with where there is no such kernel to be had. */
const noKernel = 125;

/** Runs files under the kernel, which is started for it; what became of their tests, or why there is no such kernel. */
function boot(files: readonly string[]): readonly Outcome[] | string {
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
    { encoding: "utf8", maxBuffer: 2 ** 26, env },
  );
  if (status === noKernel) return stderr.trim().split("\n").at(-1) ?? "";
  const outcomes = stdout
    .split("\n")
    .filter((line) => line.startsWith(mark))
    .map((line): Outcome => JSON.parse(line.slice(mark.length))); // of events.ts
  assert.ok(outcomes.length > 0, `${status}: ${stdout}${stderr}`);
  // Of what it has no time for nothing is told.
  assert.ok(status === 0 || outcomes.some(({ passed }) => !passed), `the kernel ended with ${status}: ${stderr}`);
  return outcomes;
}

/**
 * Has the modules compiled on this side, those of a process that waits for its work and gets none: taking their types out (by WebAssembly) makes
 * Node fail a check of its own under the emulator, in one start of eight; with compiled ones it did in none of 200.
 */
function compile(): void {
  spawnSync(process.execPath, [join(here, "../kernel/model/victim.ts")], { stdio: "ignore", env });
}

/** Whether an outcome is that of a file as a whole. */
const isWhole = ({ name, passed }: Outcome): boolean => !passed && name.endsWith(".ts");

test("under a kernel with ipvlan, 802.1Q, VRF and dummy links", async (t) => {
  let files = globSync("guest/*.test.ts", { cwd: here }).map((file) => join(here, file));
  const outcomes: Outcome[] = [];
  compile();
  for (let left = tries; files.length > 0; left--) {
    const told = boot(files);
    if (typeof told === "string") {
      t.skip(`there is no such kernel: ${told}`);
      return;
    }
    const failed = new Set(told.filter(isWhole).map(({ name }) => basename(name)));
    outcomes.push(...told.filter((outcome) => left === 1 || !isWhole(outcome)));
    files = left === 1 ? [] : files.filter((file) => failed.has(basename(file)));
  }
  for (const { name, passed, skipped, failure } of outcomes) {
    await t.test(name, (one) => {
      if (skipped !== undefined) one.skip(skipped);
      else assert.ok(passed, failure ?? name);
    });
  }
});
