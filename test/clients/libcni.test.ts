/** libcni and our runtime on the same cache: each takes away, checks and reads what the other one attached. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { linksIn, namespace, RuntimeScene, referencePlugins, withoutReference } from "../support/cni/runtime-scene.ts";
import { enterTestHost, run, temporaryDirectory } from "../support/test-host.ts";
import { buildDriver, type Call, drive } from "./libcni/driver.ts";

enterTestHost();

const directory = temporaryDirectory();
after(() => directory[Symbol.dispose]());
const driver = buildDriver(directory.path);
const skip = "missing" in driver ? driver.missing : withoutReference;
const program = "path" in driver ? driver.path : "";

/** A network with published ports and a MAC address, and what both sides say of an attachment to it. */
function sceneOf(name: string, subnet: string) {
  const scene = new RuntimeScene();
  const path = namespace(name);
  const network = scene.network(name, [
    scene.bridge(`cni-${name}`, subnet),
    { type: "portmap", capabilities: { portMappings: true }, big: 1 },
    { type: "tuning", capabilities: { mac: true } },
  ]);
  const capabilities = {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    mac: "02:00:00:00:00:07",
  };
  const told = { configurations: scene.configurations, plugins: [referencePlugins], cache: scene.cache };
  const libcni = (verb: Call["verb"], given?: object): string =>
    drive(program, told, {
      verb,
      network: name,
      namespace: path,
      interfaceName: "eth0",
      containerId: "web",
      ...(given && { capabilities: given }),
    });
  return {
    scene,
    path,
    network,
    capabilities,
    libcni,
    attachment: { containerId: "web", interfaceName: "eth0", namespace: path },
  };
}

const rules = (): string => run("iptables-save -t nat");

test("libcni reads, and takes away, what our runtime attached", { skip }, async () => {
  const { scene, path, network, capabilities, libcni, attachment } = sceneOf("ours", "10.86.0.0/24");
  using _ = scene;
  const { text } = await scene.runtime.add(network, {
    ...attachment,
    capabilities,
    args: { IgnoreUnknown: "1", K8S_POD_NAME: "web" },
  });
  assert.deepEqual(JSON.parse(libcni("result")), JSON.parse(text));
  assert.deepEqual(JSON.parse(libcni("config")), {
    config: network.text,
    args: [
      ["IgnoreUnknown", "1"],
      ["K8S_POD_NAME", "web"],
    ],
    capabilities,
  });
  assert.match(rules(), /10\.86\.0\.2:80/);
  libcni("del", capabilities);
  assert.deepEqual([linksIn(path), scene.reserved("ours"), scene.cached()], [[], [], []]);
  assert.doesNotMatch(rules(), /10\.86\.0\.2/);
});

test("our runtime reads, checks and takes away what libcni attached", { skip }, async () => {
  const { scene, path, network, capabilities, libcni, attachment } = sceneOf("theirs", "10.87.0.0/24");
  using _ = scene;
  const result = JSON.parse(libcni("add", capabilities));
  const { attachments, unreadable } = scene.runtime.attachments();
  assert.deepEqual(unreadable, []);
  assert.equal(attachments[0]?.configuration, network.text);
  assert.deepEqual(JSON.parse(attachments[0]?.result ?? ""), result);
  // Debian's portmap is never content (see test/kernel/cni/runtime.test.ts), which libcni is told as well.
  assert.throws(() => libcni("check", capabilities), /ipv6 dnat/);
  const checked = { ...network, plugins: network.plugins.filter(({ type }) => type !== "portmap") };
  assert.equal(await scene.runtime.check(checked, attachment), true);
  assert.match(rules(), /10\.87\.0\.2:80/);
  // libcni 1.1.2 does not remember the namespace; its published ports it does.
  await scene.runtime.del(network, attachment);
  assert.deepEqual([linksIn(path), scene.reserved("theirs"), scene.cached()], [[], [], []]);
  assert.doesNotMatch(rules(), /10\.87\.0\.2/);
});

test("both write the same into the cache", { skip }, async () => {
  const { scene, network, libcni, attachment } = sceneOf("same", "10.88.0.0/24");
  using _ = scene;
  const file = join(scene.cache, "results", "same-web-eth0");
  const volatile = (text: string): unknown =>
    JSON.parse(text.replaceAll(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|veth[0-9a-f]+|10\.88\.0\.\d+\/24/g, "…"));
  libcni("add");
  const theirs = readFileSync(file, "utf8");
  await scene.runtime.del(network, attachment);
  await scene.runtime.add(network, attachment);
  const ours = readFileSync(file, "utf8");
  // Later ones have the namespace, too.
  assert.deepEqual(volatile(ours.replace(`"netns":"${attachment.namespace}",`, "")), volatile(theirs));
  libcni("del");
  assert.deepEqual(scene.cached(), []);
});

test("a result of another version is converted by both", { skip }, async () => {
  const { scene, network, libcni, attachment } = sceneOf("versions", "10.89.0.0/24");
  using _ = scene;
  await scene.runtime.add(network, attachment);
  const older = scene.network(
    "versions",
    network.plugins.map(({ members }) => Object.fromEntries(members.map(({ key, text }) => [key, JSON.parse(text)]))),
    { cniVersion: "0.4.0" },
  );
  const theirs = JSON.parse(libcni("result"));
  assert.equal(theirs.cniVersion, "0.4.0");
  await scene.runtime.del(older, attachment);
  assert.deepEqual(scene.reserved("versions"), []);
});
