/** Our plugins as libcni itself executes them, and the cache between it and our runtime. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Portolan } from "../kernel/cli/portolan.ts";
import { linksIn, namespace, RuntimeScene } from "../support/cni/runtime-scene.ts";
import { enterTestHost, run, snapshot, temporaryDirectory } from "../support/test-host.ts";
import { buildDriver, type Call, drive } from "./libcni/driver.ts";

enterTestHost();

const directory = temporaryDirectory();
const driver = buildDriver(directory.path);
const skip = "missing" in driver ? driver.missing : false;
const program = "path" in driver ? driver.path : "";
const plugins = join(directory.path, "plugins");
const portolan = new Portolan({ runDir: "/run/portolan", stateDir: "/run/state" });

before(async () => {
  portolan.ok("cni", "install", "--dir", plugins, "--as-reference");
  await portolan.startDaemon();
});
after(async () => {
  await portolan[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const capabilities = {
  portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
  mac: "02:00:00:00:00:07",
  ips: ["10.85.0.77/24"],
  bandwidth: { ingressRate: 8_000_000, ingressBurst: 8_000_000 },
};

/** A network whose plugins take what a runtime gives, and what libcni says to them. */
function sceneOf(name: string) {
  const scene = new RuntimeScene({ pluginDirectories: [plugins] });
  const path = namespace(name);
  const network = scene.network(name, [
    { ...scene.bridge(`cni-${name}`, "10.85.0.0/24"), capabilities: { ips: true, mac: true } },
    { type: "portmap", capabilities: { portMappings: true } },
    { type: "bandwidth", capabilities: { bandwidth: true } },
    { type: "firewall" },
    { type: "tuning", mtu: 1400 },
  ]);
  const told = { configurations: scene.configurations, plugins: [plugins], cache: scene.cache };
  const call = { network: name, namespace: path, interfaceName: "eth0", containerId: "web", capabilities };
  const libcni = (verb: Call["verb"]): string => drive(program, told, { verb, ...call });
  return { scene, path, network, libcni, attachment: { containerId: "web", interfaceName: "eth0", namespace: path } };
}

/** What the container's interface and the host have of the capabilities. */
function checkMade(path: string): void {
  assert.match(run(`nsenter --net=${path} ip address show eth0`), /mtu 1400.*02:00:00:00:00:07.*10\.85\.0\.77\/24/s);
  assert.match(run("nft list ruleset"), /tcp \. 8080 : 10\.85\.0\.77 \. 80/);
  assert.match(run("tc qdisc show"), /tbf/);
}

/** That nothing of it is there: links, addresses, records, files of the cache. */
async function checkGone(scene: RuntimeScene, path: string, former: unknown): Promise<void> {
  assert.deepEqual([linksIn(path).filter((link) => !link.startsWith("~")), scene.cached()], [[], []]);
  assert.equal(portolan.ok("endpoint", "ls", "--quiet"), "");
  // The kernel takes links that are retired a moment later.
  await portolan.stopDaemon();
  run(`ip netns delete ${path.slice("/run/netns/".length)}`);
  assert.deepEqual(snapshot(), former);
  await portolan.startDaemon();
}

test("libcni adds, checks and deletes, with what capabilities ask for", { skip }, async () => {
  const former = snapshot();
  const { scene, path, libcni } = sceneOf("whole");
  using _ = scene;
  const result = JSON.parse(libcni("add"));
  assert.deepEqual([result.cniVersion, result.ips[0].address], ["1.0.0", "10.85.0.77/24"]);
  checkMade(path);
  libcni("check");
  run(`nsenter --net=${path} ip address delete 10.85.0.77/24 dev eth0`);
  assert.throws(() => libcni("check"), /10\.85\.0\.77/);
  libcni("del");
  libcni("del");
  await checkGone(scene, path, former);
});

test("our runtime checks and deletes what libcni added by our plugins, which forget it", { skip }, async () => {
  const former = snapshot();
  const { scene, path, network, libcni, attachment } = sceneOf("theirs");
  using _ = scene;
  const result = JSON.parse(libcni("add"));
  const [found] = scene.runtime.attachments().attachments;
  assert.deepEqual(JSON.parse(found?.result ?? ""), result);
  assert.equal(await scene.runtime.check(network, { ...attachment, capabilities }), true);
  await scene.runtime.del(network, { containerId: "web", interfaceName: "eth0" });
  await checkGone(scene, path, former);
});

test("libcni checks and deletes what our runtime added by our plugins", { skip }, async () => {
  const former = snapshot();
  const { scene, path, network, libcni, attachment } = sceneOf("ours");
  using _ = scene;
  const { text } = await scene.runtime.add(network, { ...attachment, capabilities });
  checkMade(path);
  assert.deepEqual(JSON.parse(libcni("result")), JSON.parse(text));
  libcni("check");
  libcni("del");
  await checkGone(scene, path, former);
});
