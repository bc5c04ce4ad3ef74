/** Endpoints of the driver cni that plugins do not take away, and engines that are killed while plugins work: in the end nothing is left. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { linksIn, namespace, withoutReference } from "../../../support/cni/runtime-scene.ts";
import { enterTestHost, run } from "../../../support/test-host.ts";
import { CniScene, natRules, passing, refusing } from "./scene.ts";

enterTestHost();

const portmap = { type: "portmap", capabilities: { portMappings: true } };
const main = join(import.meta.dirname, "../../../../src/cli/main.ts");

/** Runs a command on an engine of its own; how it ended. */
async function command(scene: CniScene, ...words: readonly string[]): Promise<unknown> {
  const where = ["--state-dir", scene.stateDir, "--run-dir", "/run/portolan"];
  const child = spawn(process.execPath, [main, ...words, ...where], { stdio: ["ignore", "ignore", "inherit"] });
  return await once(child, "exit");
}

const killed = [null, "SIGKILL"];

for (const words of [
  ["network", "connect", "-p", "8091:80", "lan", "s"],
  ["network", "disconnect", "lan", "s"],
  ["sandbox", "rm", "s"],
]) {
  // The last plugin is the first of DEL.
  for (const plugin of ["first", "last"]) {
    test(`${words.slice(0, 2).join(" ")}: killed in the ${plugin} plugin, the next start leaves nothing`, {
      skip: withoutReference,
    }, async () => {
      await using scene = new CniScene();
      const trap = join(scene.path, "trap");
      const [verb = ""] = words.slice(1);
      const at = verb === "connect" ? "ADD" : "DEL";
      for (const type of ["first", "last"]) {
        const kill = `if [ "$CNI_COMMAND" = ${at} ] && [ -e "${trap}" ]; then kill -9 $PPID; fi`;
        scene.script(type, passing(type === plugin ? kill : ""));
      }
      await scene.start();
      const plugins = [{ type: "first" }, scene.bridge("cni-killed", "10.93.0.0/24"), portmap, { type: "last" }];
      const network = await scene.create("lan", plugins);
      const sandbox = await scene.controller.createSandbox({ name: "s" });
      const before = natRules();
      const { namespace: path } = sandbox.info();
      if (at === "DEL") await scene.controller.connect(network, sandbox, { publish: ["8091:80"] });
      writeFileSync(trap, "");
      await scene.stop();
      assert.deepEqual(await command(scene, ...words), killed);
      rmSync(trap);
      const halfway = plugin === "last" ? 1 : 0;
      assert.equal(linksIn(path).length, halfway, "it was killed where it was to be");
      await scene.start();
      assert.deepEqual(scene.controller.network("lan").info().endpoints, []);
      assert.deepEqual([scene.reserved("lan"), scene.results(), natRules()], [[], [], before]);
      assert.deepEqual(linksIn(path), []);
      assert.deepEqual((await scene.controller.reconcile()).plan, []);
      const again = await scene.controller.connect(scene.controller.network("lan"), scene.controller.sandbox("s"));
      assert.equal(again.info().interfaceName, "eth0");
    });
  }
}

test("a plugin that refuses to take away holds nothing up; it is told, and asked again", {
  skip: withoutReference,
}, async () => {
  await using scene = new CniScene();
  const grudge = join(scene.path, "grudge");
  // The last of the list is the first of DEL, and no plugin behind it is asked.
  scene.script("grudging", refusing("DEL", grudge));
  await scene.start();
  const network = await scene.create("lan", [scene.bridge("cni-grudge", "10.94.0.0/24"), { type: "grudging" }]);
  const sandbox = await scene.controller.createSandbox({ name: "s" });
  await scene.controller.connect(network, sandbox);
  await scene.controller.connect(network, await scene.controller.createSandbox({ name: "other" }));
  writeFileSync(grudge, "");
  const events = scene.controller.events()[Symbol.asyncIterator]();
  await sandbox.delete();
  const told = (await events.next()).value;
  assert.equal(told.action, "lose");
  assert.match(told.attributes["reason"] ?? "", /not today/);
  assert.deepEqual(
    scene.controller.sandboxes().map(({ name }) => name),
    ["other"],
  );
  const problems = async () =>
    (await scene.controller.doctor()).problems.filter(({ code }) => code === "endpoint-left");
  assert.match((await problems())[0]?.detail ?? "", /not today/);
  assert.deepEqual(scene.reserved("lan").length, 2);
  await scene.start();
  assert.equal((await problems()).length, 1, "it was tried again, and is not forgotten");
  rmSync(grudge);
  await scene.controller.sandbox("other").delete();
  assert.deepEqual([await problems(), scene.reserved("lan")], [[], []], "the next one that leaves takes it along");
  assert.equal(existsSync(grudge), false);
});

test("an endpoint whose namespace went while no engine ran is taken away at the start", {
  skip: withoutReference,
}, async () => {
  await using scene = new CniScene();
  await scene.start();
  const network = await scene.create("lan", [scene.bridge("cni-lost", "10.95.0.0/24"), portmap]);
  const before = natRules();
  const sandbox = await scene.controller.createSandbox({ name: "s", netns: namespace("theirs") });
  await scene.controller.connect(network, sandbox, { publish: ["8092:80"] });
  await scene.stop();
  run("ip netns delete theirs");
  await scene.start();
  assert.deepEqual([scene.controller.sandboxes(), scene.reserved("lan"), scene.results()], [[], [], []]);
  assert.deepEqual(
    natRules().filter((rule) => rule.includes("8092")),
    before.filter((rule) => rule.includes("8092")),
  );
});
