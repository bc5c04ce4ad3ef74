/** A runtime that is killed at any moment of an ADD: DEL takes away what is there, and the next ADD works. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  linksIn,
  namespace,
  RuntimeScene,
  referencePlugins,
  withoutReference,
} from "../../support/cni/runtime-scene.ts";
import { enterTestHost, run } from "../../support/test-host.ts";

enterTestHost();
run("ip link add lan type bridge");

const main = join(import.meta.dirname, "../../../src/cli/main.ts");

function startAdd(scene: RuntimeScene, path: string): ChildProcess {
  const where = ["--dir", scene.configurations, "--plugin-dir", referencePlugins, "--cache-dir", scene.cache];
  const words = ["cni", "add", ...where, "--container-id", "c", "--port", "8080:80", "n", path];
  return spawn(process.execPath, [main, ...words], { stdio: "ignore", env: { ...process.env, SCENE: scene.path } });
}

/** Whether a plugin that the killed runtime started still runs: its environment names the scene. */
function pluginRuns(scene: RuntimeScene): boolean {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`SCENE=${scene.path}\0`);
      } catch {
        return false; // it has ended
      }
    });
}

test("killed at 16 moments of an ADD", { skip: withoutReference }, async () => {
  using scene = new RuntimeScene();
  const path = namespace("killed");
  const network = scene.network("n", [
    scene.bridge("lan", "10.101.0.0/24"),
    { type: "portmap", capabilities: { portMappings: true } },
    { type: "tuning", mtu: 1400 },
  ]);
  const attachment = {
    containerId: "c",
    interfaceName: "eth0",
    namespace: path,
    capabilities: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
  };
  // The chains that iptables' users share come with the first attachment, and stay.
  await scene.runtime.add(network, attachment);
  await scene.runtime.del(network, attachment);
  const rules = run("iptables-save -t nat").replaceAll(/\[\d+:\d+\]|^#.*$/gm, "");
  const whole = startAdd(scene, path);
  const start = performance.now();
  assert.deepEqual(await once(whole, "exit"), [0, null]);
  const duration = performance.now() - start;
  await scene.runtime.del(network, attachment);

  let interrupted = 0;
  for (let moment = 0; moment < 16; moment++) {
    const command = startAdd(scene, path);
    const ended = once(command, "exit");
    await sleep(duration * (0.3 + (0.7 * moment) / 16));
    command.kill("SIGKILL");
    await ended;
    while (pluginRuns(scene)) await sleep(10);
    if (linksIn(path).length > 0 && scene.cached().length === 0) interrupted++;
    await scene.runtime.del(network, attachment);
    assert.deepEqual([linksIn(path), scene.reserved("n"), scene.cached()], [[], [], []], `moment ${moment}`);
    assert.equal(run("iptables-save -t nat").replaceAll(/\[\d+:\d+\]|^#.*$/gm, ""), rules);
  }
  assert.ok(interrupted > 0, "some were in the middle");
  await scene.runtime.add(network, attachment);
  await scene.runtime.del(network, attachment);
});
