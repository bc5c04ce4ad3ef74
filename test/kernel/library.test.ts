/** The programs that show the library, run as they stand: they use the package by its name, as built. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withoutReference } from "../support/cni/runtime-scene.ts";
import { enterTestHost, missing, run, temporaryDirectory } from "../support/test-host.ts";
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

test("the program in docs/cni.md runs", { skip: withoutReference }, () => {
  const [, program] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, "docs", "cni.md"), "utf8")) ?? [];
  assert.ok(program);
  using directory = temporaryDirectory();
  // The host's own, of this test alone.
  mkdirSync("/etc/cni/net.d", { recursive: true });
  const ipam = { type: "host-local", dataDir: directory.path, subnet: "10.93.0.0/24" };
  const plugins = [{ type: "bridge", bridge: "cni-docs", ipam }];
  writeFileSync("/etc/cni/net.d/10-front.conflist", JSON.stringify({ cniVersion: "1.0.0", name: "front", plugins }));
  run("ip netns add blue");
  const path = join(root, "dist", `cni-${process.pid}.mjs`);
  writeFileSync(path, program);
  try {
    assert.equal(runProgram(path), "10.93.0.2/24\n");
  } finally {
    rmSync(path);
  }
});
