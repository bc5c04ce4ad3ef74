/** Chains of our plugins and Debian's together, under our runtime: ADD, CHECK, traffic, DEL. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before as beforeAll, type TestContext, test } from "node:test";
import { isPortolanError } from "../../../src/errors.ts";
import {
  type Configuration,
  linksIn,
  namespace,
  RuntimeScene,
  referencePlugins,
  withoutReference,
} from "../../support/cni/runtime-scene.ts";
import { makeOutside } from "../../support/outside.ts";
import { enterTestHost, exec, run } from "../../support/test-host.ts";
import { Portolan } from "../cli/portolan.ts";

enterTestHost();
makeOutside(["192.0.2.1/24"], ["192.0.2.2/24"]);
const portolan = new Portolan({ runDir: "/run/portolan", stateDir: "/run/state" });
beforeAll(() => portolan.startDaemon());
after(() => portolan[Symbol.asyncDispose]());

interface Case {
  /** Types of which ours is taken; Debian's of all others. */
  readonly ours: readonly string[];
  readonly plugins: (scene: RuntimeScene) => readonly Configuration[];
  /** What CHECK says though nothing is wrong; absent: it is content. */
  readonly checkFails?: RegExp;
}

const portmap = { type: "portmap", capabilities: { portMappings: true } };
const tuning = { type: "tuning", mtu: 1400, sysctl: { "net.ipv4.conf.eth0.arp_notify": "1" } };
const bandwidth = { type: "bandwidth", ingressRate: 80_000_000, ingressBurst: 80_000_000 };
const bridge = (scene: RuntimeScene): Configuration => scene.bridge("mixed", "10.93.0.0/24");
const theirPortmap = /could not check ipv6 dnat/;

const cases: Readonly<Record<string, Case>> = {
  "their bridge, our portmap, tuning and bandwidth": {
    ours: ["portmap", "tuning", "bandwidth"],
    plugins: (scene) => [bridge(scene), portmap, tuning, bandwidth],
  },
  "our bridge, their portmap, tuning and bandwidth": {
    ours: ["bridge"],
    plugins: (scene) => [bridge(scene), portmap, tuning, bandwidth],
    checkFails: theirPortmap,
  },
  "their bridge, our portmap and firewall, their tuning": {
    ours: ["portmap", "firewall"],
    plugins: (scene) => [bridge(scene), tuning, { type: "firewall" }, portmap],
  },
  "our bridge and portmap, their firewall and tuning": {
    ours: ["bridge", "portmap"],
    plugins: (scene) => [bridge(scene), { type: "firewall", backend: "iptables" }, tuning, portmap],
  },
  "their bridge and portmap, our host-local": {
    ours: ["host-local"],
    plugins: (scene) => [bridge(scene), portmap],
    checkFails: theirPortmap,
  },
  "our bridge and portmap, their host-local": {
    ours: ["bridge", "portmap"],
    plugins: (scene) => [bridge(scene), portmap],
  },
  "our bridge and host-local, their portmap": {
    ours: ["bridge", "host-local"],
    plugins: (scene) => [bridge(scene), portmap],
    checkFails: theirPortmap,
  },
  "their ptp, our host-local and portmap": {
    ours: ["host-local", "portmap"],
    plugins: (scene) => [{ ...bridge(scene), type: "ptp" }, portmap],
  },
  "our ptp, their host-local and portmap": {
    ours: ["ptp"],
    plugins: (scene) => [{ ...bridge(scene), type: "ptp" }, portmap],
    checkFails: theirPortmap,
  },
};

/** Links of the host, or of a namespace, but the bridge, and those of ours that are about to go (docs/decisions/0007-links-are-retired.md). */
const links = (path = "/proc/self/ns/net"): readonly string[] =>
  linksIn(path)
    .filter((link) => link !== "mixed" && !link.startsWith("~"))
    .toSorted();

const asked = "busybox nc -w 2 192.0.2.1 8080 </dev/null || true";

for (const [name, { ours, plugins, checkFails }] of Object.entries(cases)) {
  test(name, { skip: withoutReference }, async (context: TestContext) => {
    const folder = join("/run", name.replaceAll(/\W+/g, "-"));
    portolan.ok("cni", "install", "--dir", folder, "--types", ours.join(","));
    using scene = new RuntimeScene({ pluginDirectories: [folder, referencePlugins] });
    const network = scene.network("n", plugins(scene));
    const path = namespace("mixed");
    context.after(() => {
      run("ip netns delete mixed");
      // Their bridge stays.
      if (linksIn("/proc/self/ns/net").includes("mixed")) run("ip link delete mixed");
    });
    const attachment = {
      containerId: "c",
      interfaceName: "eth0",
      namespace: path,
      capabilities: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
    };
    const before = links();
    await scene.runtime.add(network, attachment);
    const server = spawn("nsenter", [`--net=${path}`, "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello"]);
    try {
      await once(server, "spawn");
      let said = "";
      for (let tries = 0; tries < 20 && said === ""; tries++) {
        said = exec("nsenter", "--net=/run/netns/outside", "sh", "-c", asked);
      }
      assert.equal(said, "hello\n", "through the published port");
      if (network.plugins.some(({ type }) => type === "tuning")) {
        assert.match(run(`nsenter --net=${path} ip link show eth0`), /mtu 1400/);
      }
      const check = scene.runtime.check(network, attachment);
      if (checkFails === undefined) assert.equal(await check, true);
      else
        await assert.rejects(check, (error) => isPortolanError(error, "plugin") && checkFails.test(error.reason ?? ""));
    } finally {
      server.kill("SIGKILL");
      await scene.runtime.del(network, { containerId: "c", interfaceName: "eth0" });
    }
    assert.equal(exec("nsenter", "--net=/run/netns/outside", "sh", "-c", asked), "", "the port leads nowhere");
    assert.deepEqual(links(), before);
    assert.deepEqual([links(path), scene.reserved("n"), scene.cached()], [[], [], []]);
    assert.equal(portolan.ok("endpoint", "ls", "--quiet"), "");
  });
}
