/** The runtime with Debian's reference plugins: chains attach, are checked, and are gone. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isPortolanError } from "../../../src/errors.ts";
import { linksIn, namespace, RuntimeScene, withoutReference } from "../../support/cni/runtime-scene.ts";
import { startPeer } from "../../support/peers.ts";
import { enterTestHost, run } from "../../support/test-host.ts";

enterTestHost();
run("ip link add lan type bridge");

test("a chain of bridge, portmap and tuning attaches, serves, is content, and leaves nothing", {
  skip: withoutReference,
}, async () => {
  using scene = new RuntimeScene();
  const path = namespace("whole");
  const network = scene.network("front", [
    scene.bridge("cni-front", "10.81.0.0/24"),
    { type: "portmap", capabilities: { portMappings: true } },
    { type: "tuning", capabilities: { mac: true }, sysctl: { "net.ipv4.conf.eth0.arp_filter": "1" } },
  ]);
  const attachment = {
    containerId: "web",
    interfaceName: "eth0",
    namespace: path,
    capabilities: {
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
      mac: "02:00:00:00:00:07",
    },
  };
  const before = run("iptables-save -t nat");
  const added = await scene.runtime.add(network, attachment);
  assert.equal(added.result.ips[0]?.address, "10.81.0.2/24");
  assert.match(run(`nsenter --net=${path} ip link show eth0`), /02:00:00:00:00:07/);
  // Debian's portmap 1.1.1 looks for the rules of IPv4 in ip6tables, and is never content.
  const checked = { ...network, plugins: network.plugins.filter(({ type }) => type !== "portmap") };
  assert.equal(await scene.runtime.check(checked, attachment), true);

  const web = startPeer("web", path);
  const host = startPeer("host", "host");
  try {
    await web.serve(80);
    assert.match((await host.ask("tcp", "10.81.0.1", 8080)) ?? "", /^web 80 /);
  } finally {
    await Promise.all([web.stop(), host.stop()]);
  }

  const file = join(scene.cache, "results", "front-web-eth0");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(scene.cache, "results")).mode & 0o777, 0o700);
  const cached = JSON.parse(readFileSync(file, "utf8"));
  assert.deepEqual(Object.keys(cached), [
    "kind",
    "containerId",
    "config",
    "ifName",
    "networkName",
    "netns",
    "capabilityArgs",
    "result",
  ]);
  assert.equal(Buffer.from(cached.config, "base64").toString(), network.text);

  // Its ports and its MAC address are remembered.
  await scene.runtime.del(network, { containerId: "web", interfaceName: "eth0" });
  assert.deepEqual(linksIn(path), []);
  assert.deepEqual(scene.cached(), []);
  assert.deepEqual(scene.reserved("front"), []);
  assert.doesNotMatch(run("iptables-save -t nat").replace(before, ""), /10\.81\.0\.2|8080/);
  await scene.runtime.del(network, { containerId: "web", interfaceName: "eth0" });
});

test("CHECK tells of what somebody took away", { skip: withoutReference }, async () => {
  using scene = new RuntimeScene();
  const path = namespace("checked");
  const network = scene.network("checked", [scene.bridge("cni-checked", "10.82.0.0/24")]);
  const attachment = { containerId: "c", interfaceName: "eth0", namespace: path };
  await assert.rejects(scene.runtime.check(network, attachment), (error) => isPortolanError(error, "not-found"));
  await scene.runtime.add(network, attachment);
  await scene.runtime.check(network, attachment);
  run(`nsenter --net=${path} ip address flush dev eth0`);
  await assert.rejects(scene.runtime.check(network, attachment), (error) => isPortolanError(error, "plugin"));
  await scene.runtime.del(network, attachment);
});

test("an interface is attached once, and what was there before is left alone", { skip: withoutReference }, async () => {
  using scene = new RuntimeScene();
  const path = namespace("twice");
  const network = scene.network("twice", [scene.bridge("cni-twice", "10.83.0.0/24")]);
  const other = scene.network("other", [scene.bridge("cni-other", "10.84.0.0/24")]);
  const attachment = { containerId: "c", interfaceName: "eth0", namespace: path };
  await scene.runtime.add(network, attachment);
  await assert.rejects(scene.runtime.add(network, attachment), (error) => isPortolanError(error, "exists"));
  await assert.rejects(scene.runtime.add(other, attachment), (error) => isPortolanError(error, "exists"));
  // As a runtime with another cache sees it: the plugin refuses, and undoing would take the interface away.
  using stranger = new RuntimeScene();
  const same = stranger.network("twice", [stranger.bridge("cni-twice", "10.83.0.0/24")]);
  await assert.rejects(
    stranger.runtime.add(same, attachment),
    (error) => isPortolanError(error, "plugin") && /nothing was undone/.test(error.advice ?? ""),
  );
  assert.deepEqual(linksIn(path), ["eth0"]);
  await scene.runtime.check(network, attachment);
  await scene.runtime.del(network, attachment);
  assert.deepEqual(linksIn(path), []);
});

test("what a failed chain did is undone, or left where that is asked", { skip: withoutReference }, async () => {
  using scene = new RuntimeScene();
  const path = namespace("failed");
  scene.script("refuse", 'test "$CNI_COMMAND" = ADD || exit 0; echo \'{"code":11,"msg":"not now"}\'; exit 1');
  const network = scene.network("failed", [scene.bridge("cni-failed", "10.85.0.0/24"), { type: "refuse" }]);
  const attachment = { containerId: "c", interfaceName: "eth0", namespace: path };
  await assert.rejects(
    scene.runtime.add(network, attachment),
    (error) => isPortolanError(error, "unavailable") && /not now/.test(error.reason ?? ""),
  );
  assert.deepEqual([linksIn(path), scene.reserved("failed"), scene.cached()], [[], [], []]);
  const undone = scene.calls().at(-1);
  assert.equal(undone?.command, "DEL");
  assert.ok(undone?.configuration["prevResult"], "DEL is told what the plugins before came to");

  await assert.rejects(scene.runtime.add(network, attachment, { keepFailed: true }));
  assert.deepEqual([linksIn(path), scene.reserved("failed").length], [["eth0"], 1]);
  await scene.runtime.del(network, attachment);
  assert.deepEqual([linksIn(path), scene.reserved("failed")], [[], []]);
});
