/** `portolan cni` as its users call it, with Debian's reference plugins. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  linksIn,
  namespace,
  RuntimeScene,
  referencePlugins,
  withoutReference,
} from "../../support/cni/runtime-scene.ts";
import { enterTestHost, run } from "../../support/test-host.ts";
import { type Outcome, Portolan } from "../cli/portolan.ts";

enterTestHost();
const portolan = new Portolan({ runDir: "/run/portolan", stateDir: "/run/state" });

/** Runs `portolan cni` on a scene's directories. */
function commandsOn(scene: RuntimeScene): (verb: string, ...words: readonly string[]) => Outcome {
  const plugins = ["--plugin-dir", scene.scripts, "--plugin-dir", referencePlugins];
  const cache = ["--cache-dir", scene.cache];
  const extra: Readonly<Record<string, readonly string[]>> = { list: cache, which: plugins, status: plugins };
  return (verb, ...words) =>
    portolan.run("cni", verb, "--dir", scene.configurations, ...(extra[verb] ?? [...plugins, ...cache]), ...words);
}

test("a container is attached, listed, checked and detached", { skip: withoutReference }, () => {
  using scene = new RuntimeScene();
  const cni = commandsOn(scene);
  const path = namespace("blue");
  scene.network("front", [
    scene.bridge("cni-front", "10.91.0.0/24"),
    { type: "tuning", capabilities: { mac: true } },
    { type: "portmap", capabilities: { portMappings: true } },
  ]);
  const added = cni("add", "--port", "127.0.0.1:8080-8081:80-81/tcp", "--mac", "02:00:00:00:00:08", "front", "blue");
  assert.deepEqual([added.status, added.err, added.out], [0, "", "eth0 10.91.0.2/24 by 10.91.0.1\n"]);
  assert.match(run(`nsenter --net=${path} ip link show eth0`), /02:00:00:00:00:08/);
  assert.match(run("iptables-save -t nat"), /127\.0\.0\.1\/32 .*--dport 8081 .*10\.91\.0\.2:81/);
  const listed = JSON.parse(cni("list", "--attachments", "--format", "json").out);
  assert.deepEqual(
    listed.attachments.map((one: { containerId: string }) => ({ ...one, containerId: one.containerId.slice(0, 9) })),
    [
      {
        network: "front",
        containerId: "portolan-",
        interfaceName: "eth0",
        namespace: path,
        addresses: ["10.91.0.2/24"],
      },
    ],
  );
  const again = cni("add", "front", path, "--format", "json");
  assert.equal(again.status, 1);
  assert.equal(JSON.parse(again.err).code, "exists");
  const checked = cni("check", "front", "blue");
  assert.equal(checked.status, 1);
  assert.match(checked.err, /plugin "portmap" failed/);
  // The network is gone from the directory: it is taken as it was.
  rmSync(join(scene.configurations, "front.conflist"));
  const deleted = cni("del", "front", "blue");
  assert.equal(deleted.status, 0);
  assert.match(deleted.err, /taking it as it was at ADD/);
  assert.deepEqual([linksIn(path), scene.cached(), scene.reserved("front")], [[], [], []]);
  assert.doesNotMatch(run("iptables-save -t nat"), /10\.91\.0\.2/);
  assert.equal(cni("del", "front", "blue").status, 1);
});

test("GC deletes all where that is said, and nothing where it is not", { skip: withoutReference }, () => {
  using scene = new RuntimeScene();
  const cni = commandsOn(scene);
  scene.network("front", [scene.bridge("cni-gc", "10.92.0.0/24")]);
  for (const name of ["one", "two"]) {
    namespace(name);
    assert.equal(cni("add", "--container-id", name, "front", name).status, 0);
  }
  const nothing = cni("gc", "front");
  assert.deepEqual([nothing.status, scene.cached().length], [2, 2]);
  assert.match(nothing.err, /--all/);
  assert.equal(cni("gc", "--all", "--valid", "one:eth0", "front").status, 2);
  assert.equal(cni("gc", "--valid", "one", "front").status, 2);
  const collected = cni("gc", "--valid", "one:eth0", "--format", "json", "front");
  assert.deepEqual(JSON.parse(collected.out), {
    deleted: [{ containerId: "two", interfaceName: "eth0" }],
    told: false,
  });
  assert.deepEqual([cni("gc", "--all", "front").out, scene.cached(), scene.reserved("front")], ["one:eth0\n", [], []]);
});

test("which and list tell what is found and what is passed over", { skip: withoutReference }, () => {
  using scene = new RuntimeScene();
  const cni = commandsOn(scene);
  scene.network("20-front", [{ type: "bridge" }]);
  writeFileSync(join(scene.configurations, "10-broken.conflist"), "{");
  writeFileSync(join(scene.configurations, "30-other.conf"), JSON.stringify({ name: "20-front", type: "nosuch" }));
  const { out, status } = cni("which", "20-front");
  assert.equal(status, 0);
  assert.match(out, /^by name: .*20-front\.conflist, network 20-front, version 1\.0\.0$/m);
  assert.match(out, /hidden by it: .*30-other\.conf$/m);
  assert.match(out, /passed over: .*10-broken\.conflist: /);
  assert.match(out, /^plugin bridge: \/usr\/lib\/cni\/bridge, speaks 0\.1\.0, .*1\.0\.0$/m);
  const pods = JSON.parse(cni("which", "--format", "json").out);
  assert.match(pods.forPods.file, /20-front\.conflist$/);
  const list = JSON.parse(cni("list", "--format", "json").out);
  assert.deepEqual([list.networks.length, list.unusable.length], [2, 1]);
  const missing = cni("which", "front");
  assert.equal(missing.status, 1);
  assert.match(missing.err, /did you mean "20-front"\?/);
  rmSync(join(scene.configurations, "20-front.conflist"));
  const absent = cni("which");
  assert.equal(absent.status, 1);
  assert.match(absent.out, /^plugin nosuch: there is no plugin "nosuch"/m);
});

test("status fails where a network is not ready", () => {
  using scene = new RuntimeScene();
  const cni = commandsOn(scene);
  scene.script("full", `echo '{"code":51,"msg":"full"}'; exit 1`);
  scene.script("free", "");
  scene.network("a", [{ type: "free" }], { cniVersion: "1.1.0" });
  scene.network("b", [{ type: "full" }], { cniVersion: "1.1.0" });
  scene.network("c", [{ type: "free" }]);
  const { status, out } = cni("status");
  assert.equal(status, 1);
  assert.deepEqual(
    out
      .trim()
      .split("\n")
      .map((line) => line.split(/ {2,}/).slice(0, 2)),
    [
      ["NETWORK", "STATUS"],
      ["a", "ready"],
      ["b", "not ready"],
      ["c", "not asked"],
    ],
  );
  assert.match(out, /full \(CNI code 51\)/);
  assert.deepEqual(JSON.parse(cni("status", "--format", "json", "a").out), { network: "a", state: "ready" });
});

const mistakes: readonly (readonly [words: readonly string[], status: number, said: RegExp])[] = [
  [
    ["add", "--port", "80:80", "plain", "x"],
    1,
    /no plugin of network "plain" declares the capability "portMappings"[\s\S]*they declare bandwidth/,
  ],
  [["add", "--port", "80", "plain", "x"], 2, /names no port of the host/],
  [["add", "--capability", "bandwidth={", "plain", "x"], 2, /takes JSON/],
  [["add", "plain", "x/y"], 2, /neither the path of a network namespace nor the name/],
  [["add", "--ifname", "much-too-long-a-name", "plain", "x"], 1, /interface name is too long/],
  [["add", "--timeout", "-1", "plain", "x"], 2, /0 or more/],
  [["del", "plain"], 2, /neither NETNS nor --container-id/],
  [["check", "plain", "x"], 1, /is not attached to network "plain"/],
  [["add", "--keep-faild", "plain", "x"], 2, /--keep-failed/],
];

for (const [words, status, said] of mistakes) {
  test(`portolan cni ${words.join(" ")}: ${said.source.split("[")[0]}`, () => {
    using scene = new RuntimeScene();
    scene.network("plain", [{ type: "quiet", capabilities: { bandwidth: true } }]);
    scene.script("quiet", 'test "$CNI_COMMAND" != ADD || echo {}');
    const [verb = "", ...rest] = words;
    const outcome = commandsOn(scene)(verb, ...rest);
    assert.match(outcome.err, said);
    assert.equal(outcome.status, status);
  });
}
