/** Each of Debian's reference plugins under our runtime: ADD, CHECK and DEL, and the host is as it was. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isPortolanError } from "../../../src/errors.ts";
import {
  type Configuration,
  linksIn,
  namespace,
  RuntimeScene,
  withoutReference,
} from "../../support/cni/runtime-scene.ts";
import { enterTestHost, run } from "../../support/test-host.ts";

enterTestHost();
run("ip link add lan type bridge");
run("ip link set lan up");

interface Case {
  /** The plugins that it is a list of. */
  readonly plugins: (scene: RuntimeScene) => readonly Configuration[];
  readonly interfaceName?: string;
  /** Runs before ADD; undone by what it returns. */
  readonly before?: () => () => void;
  /** What CHECK says though nothing is wrong; absent: it is content. */
  readonly checkFails?: RegExp;
  /** What the plugin says where the kernel lacks what it needs. */
  readonly lacking?: RegExp;
}

const addresses = (scene: RuntimeScene, subnet: string): Configuration => ({
  type: "host-local",
  dataDir: join(scene.path, "networks"),
  ranges: [[{ subnet }]],
});
const bridge = (scene: RuntimeScene, more: Configuration = {}): Configuration => ({
  ...scene.bridge("lan", "10.94.0.0/24"),
  ...more,
});
const after =
  (...plugins: readonly Configuration[]) =>
  (scene: RuntimeScene) => [bridge(scene), ...plugins];

const cases: Readonly<Record<string, Case>> = {
  loopback: { plugins: () => [{ type: "loopback" }], interfaceName: "lo" },
  bridge: { plugins: (scene) => [bridge(scene)] },
  "bridge with static addresses": {
    plugins: (scene) => [
      bridge(scene, { ipam: { type: "static", addresses: [{ address: "10.94.0.9/24", gateway: "10.94.0.1" }] } }),
    ],
  },
  ptp: { plugins: (scene) => [{ type: "ptp", ipMasq: true, ipam: addresses(scene, "10.95.0.0/24") }] },
  macvlan: { plugins: (scene) => [{ type: "macvlan", master: "lan", ipam: addresses(scene, "10.96.0.0/24") }] },
  ipvlan: {
    plugins: (scene) => [{ type: "ipvlan", master: "lan", ipam: addresses(scene, "10.97.0.0/24") }],
    lacking: /operation not supported/,
  },
  vlan: {
    plugins: (scene) => [{ type: "vlan", master: "lan", vlanId: 5, ipam: addresses(scene, "10.98.0.0/24") }],
    lacking: /operation not supported/,
  },
  "host-device": {
    plugins: (scene) => [{ type: "host-device", device: "spare", ipam: addresses(scene, "10.99.0.0/24") }],
    before: () => {
      run("ip link add spare type veth peer name other");
      return () => run("ip link delete other");
    },
  },
  portmap: {
    plugins: after({ type: "portmap", capabilities: { portMappings: true } }),
    checkFails: /could not check ipv6 dnat/,
  },
  tuning: { plugins: after({ type: "tuning", mtu: 1400, promisc: true }) },
  firewall: { plugins: after({ type: "firewall", backend: "iptables" }) },
  bandwidth: {
    plugins: after({
      type: "bandwidth",
      ingressRate: 1_000_000,
      ingressBurst: 1_000_000,
      egressRate: 1_000_000,
      egressBurst: 1_000_000,
    }),
    lacking: /operation not supported|not supported|no such file/i,
  },
  // It moves the routes to a table of its own, where bridge does not look.
  sbr: { plugins: after({ type: "sbr" }), checkFails: /Failed to find Gateway/ },
  vrf: { plugins: after({ type: "vrf", vrfname: "blue" }), lacking: /operation not supported|not supported/ },
};

const links = (): readonly string[] => linksIn("/proc/self/ns/net").toSorted();

for (const [name, { plugins, interfaceName = "eth0", before, checkFails, lacking }] of Object.entries(cases)) {
  test(`${name}: ADD, CHECK, DEL`, { skip: withoutReference }, async (context: TestContext) => {
    using scene = new RuntimeScene();
    const network = scene.network("n", plugins(scene));
    const path = namespace("reference");
    const undo = before?.();
    const former = links();
    const inside = linksIn(path);
    const attachment = {
      containerId: "c",
      interfaceName,
      namespace: path,
      capabilities: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
    };
    try {
      await scene.runtime.add(network, attachment);
    } catch (error) {
      if (lacking === undefined || !isPortolanError(error) || !lacking.test(error.reason ?? "")) throw error;
      assert.deepEqual([links(), linksIn(path), scene.reserved("n")], [former, inside, []]);
      context.skip(`this kernel: ${error.reason}`);
      return;
    } finally {
      context.after(() => {
        run("ip netns delete reference");
        undo?.();
      });
    }
    const check = scene.runtime.check(network, attachment);
    if (checkFails === undefined) assert.equal(await check, true);
    else
      await assert.rejects(check, (error) => isPortolanError(error, "plugin") && checkFails.test(error.reason ?? ""));
    await scene.runtime.del(network, { containerId: "c", interfaceName });
    assert.deepEqual(links(), former);
    assert.deepEqual([linksIn(path), scene.reserved("n"), scene.cached()], [inside, [], []]);
  });
}
