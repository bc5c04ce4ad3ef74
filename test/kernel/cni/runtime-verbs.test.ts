/** GC, STATUS and VERSION under the runtime, with plugins that are scripts. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { namespace, RuntimeScene } from "../../support/cni/runtime-scene.ts";
import { enterTestHost } from "../../support/test-host.ts";
import { content, order, refuses } from "./runtime-scripts.ts";

enterTestHost();
const path = namespace("scripts");
const attachment = { containerId: "c", interfaceName: "eth0", namespace: path };
const named = { containerId: "c", interfaceName: "eth0" };

test("GC deletes what is not valid, tells the plugins what is, and goes on through failures", async () => {
  using scene = new RuntimeScene();
  const failing = `test -e "${scene.path}/mended" || { test "$CNI_COMMAND" = ADD || test "$CNI_CONTAINERID" = keep || exit 5; }`;
  scene.script("one", `${content("{}")}; ${failing}`);
  scene.script("two", content("{}"));
  const plugins = [{ type: "one" }, { type: "two" }];
  const network = scene.network("n", plugins, { cniVersion: "1.1.0" });
  const other = scene.network("n-2", plugins, { cniVersion: "1.1.0" });
  const at = (containerId: string) => ({ ...attachment, containerId });
  for (const id of ["keep", "x", "y"]) await scene.runtime.add(network, at(id));
  await scene.runtime.add(other, at("z"));
  scene.calls();
  const valid = [{ containerId: "keep", interfaceName: "eth0" }];
  assert.throws(() => scene.runtime.gc(network, []), refuses("invalid-argument", /would delete all/));
  await assert.rejects(scene.runtime.gc(network, valid), refuses("plugin", /met 3 failures/));
  assert.deepEqual(order(scene), ["DEL two", "DEL one", "DEL two", "DEL one", "GC one", "GC two"]);
  writeFileSync(join(scene.path, "mended"), "");
  const collected = await scene.runtime.gc(network, valid);
  assert.deepEqual([collected.deleted.map(({ containerId }) => containerId), collected.told], [["x", "y"], true]);
  const told = scene.calls().at(-1)?.configuration["cni.dev/valid-attachments"];
  assert.deepEqual(told, [{ containerID: "keep", ifname: "eth0" }]);
  assert.deepEqual(scene.cached(), ["n-2-z-eth0", "n-keep-eth0"]);
  await scene.runtime.gc(network, "none");
  assert.deepEqual(scene.calls().at(-1)?.configuration["cni.dev/attachments"], []);
  assert.deepEqual(scene.cached(), ["n-2-z-eth0"]);
});

test("below 1.1.0 GC deletes and tells nobody, and STATUS asks nobody; a network may refuse GC and CHECK", async () => {
  using scene = new RuntimeScene();
  scene.script("one", content("{}"));
  const network = scene.network("n", [{ type: "one" }]);
  await scene.runtime.add(network, attachment);
  scene.calls();
  assert.equal((await scene.runtime.gc(network, "none")).told, false);
  assert.deepEqual(order(scene), ["DEL one"]);
  assert.equal(await scene.runtime.status(network), false);
  const quiet = scene.network("quiet", [{ type: "one" }], {
    cniVersion: "1.1.0",
    disableGC: "true",
    disableCheck: true,
  });
  await scene.runtime.add(quiet, attachment);
  assert.deepEqual(await scene.runtime.gc(quiet, "none"), { deleted: [], told: false });
  assert.equal(await scene.runtime.check(quiet, named), false);
  assert.deepEqual(order(scene), ["ADD one"]);
});

test("STATUS stops at the plugin that is not ready, with its number", async () => {
  using scene = new RuntimeScene();
  scene.script("one", "");
  scene.script("two", `echo '{"code":50,"msg":"no pools left"}'; exit 1`);
  scene.script("three", "");
  const network = scene.network("n", [{ type: "one" }, { type: "two" }, { type: "three" }], { cniVersion: "1.1.0" });
  await assert.rejects(scene.runtime.status(network), refuses("unavailable", /no pools left \(CNI code 50\)/));
  assert.deepEqual(order(scene), ["STATUS one", "STATUS two"]);
  const ready = scene.network("ready", [{ type: "one" }], { cniVersion: "1.1.0" });
  assert.equal(await scene.runtime.status(ready), true);
});

const answers: readonly (readonly [name: string, body: string, versions: readonly string[] | RegExp])[] = [
  ["a list", `echo '{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]}'`, ["0.4.0", "1.0.0"]],
  ["0.2.0 without a list", `echo '{"cniVersion":"0.2.0"}'`, ["0.1.0", "0.2.0"]],
  ["a plugin older than the command", `echo '{"code":4,"msg":"unknown CNI_COMMAND: VERSION"}'; exit 1`, ["0.1.0"]],
  ["no list", `echo '{"cniVersion":"1.0.0"}'`, /no supportedVersions/],
  ["a failure", "echo broken >&2; exit 1", /broken/],
];

for (const [name, body, versions] of answers) {
  test(`VERSION answered by ${name}`, async () => {
    using scene = new RuntimeScene();
    scene.script("v", `test "$CNI_NETNS$CNI_IFNAME$CNI_PATH" = dummydummydummy || exit 9; ${body}`);
    if (versions instanceof RegExp) await assert.rejects(scene.runtime.versionsOf("v"), refuses("plugin", versions));
    else assert.deepEqual(await scene.runtime.versionsOf("v"), versions);
  });
}

test("a plugin that refuses the version is asked which it speaks", async () => {
  using scene = new RuntimeScene();
  const refusal = `echo '{"code":1,"msg":"incompatible CNI versions"}'; exit 1`;
  scene.script(
    "old",
    `case "$CNI_COMMAND" in VERSION) echo '{"cniVersion":"0.3.1","supportedVersions":["0.3.1"]}';; DEL) ;; *) ${refusal};; esac`,
  );
  const network = scene.network("n", [{ type: "old" }]);
  await assert.rejects(
    scene.runtime.add(network, attachment),
    refuses("unsupported", /it speaks 0\.3\.1, and the network is of 1\.0\.0/),
  );
});
