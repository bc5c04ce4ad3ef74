import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { listeningPorts } from "../../../src/lab/listening.ts";
import { identify, isRunning, stopProcesses } from "../../../src/lab/process.ts";

test("a process is known by pid and start time, and not taken for another", () => {
  const own = identify(process.pid);
  assert.ok(own && isRunning(own));
  assert.ok(!isRunning({ ...own, started: `${own.started}0` }));
  assert.equal(identify(2 ** 22 + 1), undefined);
});

test("stopping a process stops what it started, and is done when it is", async () => {
  const child = spawn("/bin/sh", ["-c", "sleep 600 & echo $!; wait"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(child.stdout, "data");
  const [parent, grandchild] = [identify(child.pid ?? 0), identify(Number(String(line)))];
  assert.ok(parent && grandchild);
  await stopProcesses([parent]);
  assert.ok(!isRunning(parent));
  while (isRunning(grandchild)) await new Promise((resolve) => setTimeout(resolve, 5));
  await stopProcesses([parent]);
});

test("a process that does not heed SIGTERM is killed", async () => {
  const child = spawn("/bin/sh", ["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const identity = identify(child.pid ?? 0);
  assert.ok(identity);
  await stopProcesses([identity]);
  assert.ok(!isRunning(identity));
});

test("a process of another identity under the same pid is left alone", async () => {
  const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
  await once(child, "spawn");
  const identity = identify(child.pid ?? 0);
  assert.ok(identity);
  await stopProcesses([{ ...identity, started: "1" }]);
  assert.ok(isRunning(identity));
  await stopProcesses([identity]);
});

test("listening ports are those of both families, but for the resolver's", async () => {
  for (const [own, isListed] of [
    ["127.0.0.1", true],
    ["::1", true],
    ["127.0.0.11", false],
  ] as const) {
    const server = createServer().listen(0, own);
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address);
    assert.equal(listeningPorts(process.pid).has(address.port), isListed, own);
    server.close();
  }
  assert.equal(listeningPorts(2 ** 22 + 1).size, 0);
});
