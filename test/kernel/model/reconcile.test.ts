/** Self-check: whatever somebody breaks is put right, and what is somebody else's stays as it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkController } from "../../../src/model/types.ts";
import { enterTestHost, exec, run } from "../../support/test-host.ts";
import { wholeState, withoutChance } from "../../support/whole-state.ts";
import { controllerFor, directories } from "./support.ts";

enterTestHost();

interface Scene {
  readonly controller: NetworkController;
  readonly bridge: string;
  /** Host end of the first sandbox's interface. */
  readonly port: string;
  /** Namespace of the first sandbox. */
  readonly namespace: string;
}

const inside = ({ namespace }: Scene, line: string): string => run(`nsenter --net=${namespace} ${line}`);

interface NamedLink {
  readonly ifname: string;
  readonly ifindex: number;
  readonly link_index: number;
  readonly address: string;
}

const links = (line: string): readonly NamedLink[] => JSON.parse(run(line));

/** What the administrator put into the chain that is his. */
const userRule = (): string => exec("nft", "add rule inet portolan portolan-user ip saddr 192.0.2.7 drop");

/** Two sandboxes in an IPv4 and IPv6 network, and beside everything of ours something of somebody else's. */
async function scene(controller: NetworkController): Promise<Scene> {
  const network = await controller.createNetwork({
    name: "front",
    enableIpv6: true,
    options: { "com.docker.network.driver.mtu": "1400" },
  });
  await controller.createNetwork({ name: "inner", internal: true });
  for (const name of ["web", "api"]) {
    const sandbox = await controller.createSandbox({ name });
    await controller.connect(network, sandbox);
    await controller.connect(controller.network("inner"), sandbox);
  }
  const { namespace } = controller.sandbox("web").info();
  const bridge = `br-${network.id.slice(0, 12)}`;
  const [own] = links(`nsenter --net=${namespace} ip -j link show eth0`);
  const port = links("ip -j link show type veth").find(({ ifindex }) => ifindex === own?.link_index)?.ifname ?? "";
  const made: Scene = { controller, bridge, port, namespace };
  run("ip link add foreign0 address 02:00:00:00:00:f0 type bridge");
  // With a port it would get a link-local address of its own accord.
  run("sysctl -qw net.ipv6.conf.foreign0.disable_ipv6=1");
  run("ip link set foreign0 up");
  run("ip address add 172.31.255.1/24 dev foreign0");
  run("ip route add 198.51.100.0/24 via 172.31.255.2");
  run("ip rule add from 203.0.113.0/24 table 77");
  run("sysctl -qw net.ipv4.conf.foreign0.accept_redirects=0");
  exec(
    "nft",
    "table inet foreign { set s { type ipv4_addr; elements = { 192.0.2.1 } }; chain c { type filter hook forward priority 5; ip saddr @s drop; }; }",
  );
  userRule();
  run(`ip address add 192.0.2.9/32 dev ${bridge}`);
  run(`ip route add 198.51.101.0/24 dev ${bridge}`);
  inside(made, "ip link add foreign1 type bridge");
  inside(made, "ip address add 192.0.2.33/24 dev foreign1");
  inside(made, "ip link set foreign1 up");
  inside(made, "ip route add 198.51.100.0/24 via 192.0.2.34");
  return made;
}

const state = (runDir: string): unknown => withoutChance(wholeState(runDir));

/** What somebody does, and whether things of his own that stood on it are lost by it. */
const damages: Readonly<Record<string, (scene: Scene) => void>> = {
  "the table is flushed": () => {
    run("nft flush table inet portolan");
    userRule();
  },
  "the chains of the table are emptied": () => {
    for (const chain of ["forward", "postrouting"]) exec("nft", `flush chain inet portolan ${chain}`);
  },
  "elements of our sets are deleted": ({ bridge }) => {
    for (const line of exec("nft", "-j", "list table inet portolan").split("\n")) {
      for (const { map, set } of (line === "" ? { nftables: [] } : JSON.parse(line)).nftables) {
        const one = map ?? set;
        if (one?.elem !== undefined && one.elem.length > 0 && JSON.stringify(one.elem).includes(bridge))
          exec("nft", `flush ${map === undefined ? "set" : "map"} inet portolan ${one.name}`);
      }
    }
  },
  "the host's end of a veth is deleted": ({ port }) => run(`ip link delete ${port}`),
  "the sandbox's end of a veth is deleted": (it) => inside(it, "ip link delete eth0"),
  "the host's end is set down": ({ port }) => run(`ip link set ${port} down`),
  "the sandbox's end is set down": (it) => inside(it, "ip link set eth0 down"),
  "a port is taken out of its bridge": ({ port }) => run(`ip link set ${port} nomaster`),
  "a port is put into another bridge": ({ port }) => run(`ip link set ${port} master foreign0`),
  "the sandbox's MAC is changed": (it) => inside(it, "ip link set eth0 address 02:00:00:00:00:99"),
  "the MTU is changed": (it) => inside(it, "ip link set eth0 mtu 1280"),
  "the sandbox's address is changed": (it) => {
    inside(it, "ip -4 address flush dev eth0");
    inside(it, "ip address add 10.99.99.9/24 dev eth0");
    inside(it, "ip address delete 10.99.99.9/24 dev eth0");
  },
  "the sandbox's IPv6 addresses are flushed": (it) => inside(it, "ip -6 address flush dev eth0 scope global"),
  "the default route is deleted": (it) => inside(it, "ip route delete default"),
  "the sandbox's address is made again by hand": (it) => {
    const { ipv4 = "" } =
      it.controller
        .sandbox("web")
        .info()
        .endpoints.find(({ network }) => network.name === "front") ?? {};
    inside(it, `ip address delete ${ipv4} dev eth0`);
    inside(it, `ip address add ${ipv4} dev eth0`);
  },
  "the default route is led elsewhere": (it) => inside(it, "ip route replace default via 192.0.2.34"),
  "the gateway's address is deleted": ({ controller, bridge }) => {
    const [pool] = controller.network("front").info().ipam.pools;
    run(`ip address delete ${pool?.gateway}/24 dev ${bridge}`);
    run(`ip route replace 198.51.101.0/24 dev ${bridge}`);
  },
  "the bridge is set down": ({ bridge }) => {
    run(`ip link set ${bridge} down`);
    run(`ip link set ${bridge} up`);
    run(`ip route replace 198.51.101.0/24 dev ${bridge}`);
  },
  "forwarding is switched off": () => run("sysctl -qw net.ipv4.ip_forward=0"),
};

test("what is broken is put right, and foreign objects beside it are untouched", async (t) => {
  const where = directories(t);
  const controller = await controllerFor(t, { ...where, healing: false });
  const it = await scene(controller);
  const whole = state(where.runDir);
  for (const [name, damage] of Object.entries(damages)) {
    await t.test(name, async () => {
      damage(it);
      const preview = await controller.reconcile({ dryRun: true });
      assert.notDeepEqual(preview.plan, [], "the damage is seen");
      const { plan } = await controller.reconcile();
      assert.deepEqual(plan, preview.plan);
      await controller.settle();
      assert.deepEqual(state(where.runDir), whole);
      assert.deepEqual((await controller.reconcile()).plan, [], "a second time changes nothing");
    });
  }
});

test("what takes much with it is put right with all that stood on it", async (t) => {
  const where = directories(t);
  const controller = await controllerFor(t, { ...where, healing: false });
  const network = await controller.createNetwork({ name: "front", enableIpv6: true });
  const sandbox = await controller.createSandbox({ name: "web" });
  await controller.connect(network, sandbox);
  const whole = state(where.runDir);
  const { namespace } = sandbox.info();
  const larger: Readonly<Record<string, () => void>> = {
    "the bridge is deleted": () => run(`ip link delete br-${network.id.slice(0, 12)}`),
    "the table is deleted": () => run("nft delete table inet portolan"),
    "the namespace is deleted": () => {
      run(`umount -l ${namespace}`);
      run(`rm ${namespace}`);
    },
    "all of it": () => {
      run("nft delete table inet portolan");
      run(`ip link delete br-${network.id.slice(0, 12)}`);
      run(`umount -l ${namespace}`);
      run(`rm ${namespace}`);
    },
  };
  for (const [name, damage] of Object.entries(larger)) {
    await t.test(name, async () => {
      damage();
      assert.notDeepEqual((await controller.reconcile()).plan, []);
      await controller.settle();
      assert.deepEqual(state(where.runDir), whole);
      assert.deepEqual((await controller.reconcile()).plan, []);
    });
  }
});
