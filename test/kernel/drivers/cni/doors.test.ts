/** Networks of the driver cni by the command line, with a daemon and without, and by topology files. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { referencePlugins, withoutReference } from "../../../support/cni/runtime-scene.ts";
import { enterTestHost } from "../../../support/test-host.ts";
import { Portolan } from "../../cli/portolan.ts";
import { CniScene, natRules } from "./scene.ts";

enterTestHost();

const portmap = { type: "portmap", capabilities: { portMappings: true } };

for (const daemon of [true, false]) {
  test(`commands, ${daemon ? "with a daemon" : "each an engine of its own"}`, { skip: withoutReference }, async () => {
    await using scene = new CniScene();
    await using portolan = new Portolan({ runDir: "/run/portolan", stateDir: scene.stateDir });
    if (daemon) await portolan.startDaemon();
    const name = daemon ? "served" : "alone";
    const list = scene.list(name, [scene.bridge(`cni-${name}`, "10.70.0.0/24"), portmap]);
    portolan.ok(
      "network",
      "create",
      "-d",
      "cni",
      "-o",
      `conflist=${list}`,
      "-o",
      `plugin-dir=${referencePlugins}`,
      name,
    );
    const rules = natRules();
    assert.match(portolan.ok("network", "ls"), new RegExp(`${name} +cni `));
    portolan.ok("sandbox", "create", "web");
    assert.equal(portolan.run("network", "connect", "--ip", "10.70.0.9", name, "web").status, 1);
    const dry = portolan.ok("network", "connect", "--dry-run", name, "web");
    assert.doesNotMatch(dry, /10\.70/);
    portolan.ok("network", "connect", "-p", "8070:80", name, "web");
    const endpoint = portolan.json<{ ipv4: string }>("endpoint", "ls", "--format", "json");
    assert.equal(endpoint.ipv4, "10.70.0.2/24");
    assert.equal(
      natRules().some((rule) => rule.includes("--dport 8070")),
      true,
    );
    portolan.ok("sandbox", "rm", "web");
    assert.deepEqual([natRules(), scene.reserved(name), scene.results()], [rules, [], []]);
    portolan.ok("network", "rm", name);
    if (daemon) assert.equal(await portolan.stopDaemon(), 0);
  });
}

test("a topology file's network of plugins comes up and goes", { skip: withoutReference }, async () => {
  await using scene = new CniScene();
  await using portolan = new Portolan({ runDir: "/run/portolan", stateDir: scene.stateDir });
  const list = scene.list("lab", [scene.bridge("cni-lab", "10.71.0.0/24")]);
  const file = join(scene.path, "lab.yaml");
  const options = `{ conflist: ${list}, plugin-dir: "${referencePlugins}" }`;
  const sandboxes = ["one", "two"].map((name) => `  ${name}: { networks: [lab] }\n`).join("");
  writeFileSync(file, `networks:\n  lab: { driver: cni, options: ${options} }\nsandboxes:\n${sandboxes}`);
  const up = portolan.run("up", file);
  assert.equal(up.status, 0, up.err + up.out);
  assert.match(up.out, /^two +lab +eth0 +10\.71\.0\.3\/24/m);
  assert.match(portolan.ok("diff", file), /is as the file says/);
  portolan.ok("down", file);
  assert.deepEqual([scene.reserved("lab"), scene.results()], [[], []]);
});
