/** Who reaches whom in each mode of ipvlan and with each flag, by real traffic: containers on one parent, a machine outside, the host; broadcasts, multicasts. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { inside, pings } from "../../kernel/drivers/endpoint/sandboxes.ts";
import { inSubnets, makeOutside } from "../../support/outside.ts";
import { enterTestHost, exec, run, temporaryDirectory } from "../../support/test-host.ts";

enterTestHost();

const host = { 4: "10.50.0.1", 6: "fd00:50::1" } as const;
const outside = { 4: "10.50.0.2", 6: "fd00:50::2" } as const;
const families = [4, 6] as const;

/** Subnets on the parent's network, and others, to which the outside has a route by the host. */
const subnets = {
  l2: { 4: "10.50.0", 6: "fd00:50:" },
  l3: { 4: "10.60.0", 6: "fd00:60:" },
} as const;
/** Hosts of both, each for one container: the kernel takes its time until an address of a namespace that went is free again. */
let nextHost = 10;

const directory = temporaryDirectory();
let controller: NetworkController;

before(async () => {
  makeOutside(inSubnets(host), inSubnets(outside));
  run("ip -n outside route add 10.60.0.0/24 via 10.50.0.1");
  run("ip -n outside route add fd00:60::/64 via fd00:50::1");
  controller = await createController({ stateDir: directory.path, runDir: "/run/ipvlan" });
});
after(async () => {
  await controller.close();
  directory[Symbol.dispose]();
});

function succeeds(...command: readonly string[]): boolean {
  try {
    exec(...command);
    return true;
  } catch {
    return false;
  }
}

/** Who reached whom, as words. */
async function reached(mode: "l2" | "l3" | "l3s", flag: string): Promise<Readonly<Record<string, boolean>>> {
  const { 4: four, 6: six } = subnets[mode === "l2" ? "l2" : "l3"];
  const made = await controller.createNetwork({
    name: "lan",
    driver: "ipvlan",
    enableIpv6: true,
    ipam: { pools: [{ subnet: `${four}.0/24` }, { subnet: `${six}:/64` }] },
    options: { parent: "out0", ipvlan_mode: mode, ipvlan_flag: flag },
  });
  const [first, second] = [nextHost++, nextHost++];
  const web = { 4: `${four}.${first}`, 6: `${six}:${first}` } as const;
  const client = { 4: `${four}.${second}`, 6: `${six}:${second}` } as const;
  for (const [name, { 4: ipv4, 6: ipv6 }] of Object.entries({ web, client })) {
    await controller.connect(made, await controller.createSandbox({ name }), { name, ipv4, ipv6 });
    inside(controller, name, "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_broadcasts=0");
  }
  const both = (reaches: (family: 4 | 6) => boolean): boolean => {
    const [four, six] = families.map(reaches);
    assert.equal(four, six, `${mode} ${flag}: IPv4 as IPv6`);
    return four === true;
  };
  const everybody = (...target: readonly string[]): string =>
    inside(controller, "client", "sh", "-c", `ping -c 3 -i 0.3 -w 3 ${target.join(" ")} 2>&1 || true`);
  try {
    return {
      "each other": both((family) => pings(controller, "client", web[family])),
      "the outside": both((family) => pings(controller, "web", outside[family])),
      "from outside": both((family) => succeeds("ip", "netns", "exec", "outside", "ping", "-c1", "-W1", web[family])),
      "the host": both((family) => pings(controller, "web", host[family])),
      "from the host": both((family) => succeeds("ping", "-c1", "-W1", web[family])),
      broadcast: everybody("-b", `${four}.255`).includes(`from ${web[4]}`),
      // Beside the asker and the machine outside.
      multicast: new Set(everybody("-6", "ff02::1%eth0").match(/from [0-9a-f:]+/g)).size > 2,
      neighbours: /lladdr/.test(inside(controller, "client", "ip", "-6", "neighbour", "show", web[6])),
    };
  } finally {
    for (const { name } of controller.sandboxes()) await controller.sandbox(name).delete();
    await made.delete();
  }
}

/** What holds in every mode: who is outside is reached, and the host by the parent is not. */
const always = { "the outside": true, "from outside": true, "the host": false, "from the host": false } as const;
const nobody = { ...always, "each other": false, broadcast: false, multicast: false, neighbours: false } as const;

for (const [mode, flag, expected] of [
  ["l2", "bridge", { ...always, "each other": true, broadcast: true, multicast: true, neighbours: true }],
  ["l2", "private", nobody],
  ["l2", "vepa", nobody],
  ["l3", "bridge", { ...nobody, "each other": true }],
  ["l3", "private", nobody],
  ["l3", "vepa", nobody],
  ["l3s", "bridge", { ...nobody, "each other": true }],
  ["l3s", "private", nobody],
  ["l3s", "vepa", nobody],
] as const)
  test(`ipvlan ${mode} ${flag}: who reaches whom`, async () => {
    assert.deepEqual(await reached(mode, flag), expected);
  });

test("a VLAN's sub-interface comes with the first network and goes with the last, and what was there stays", async () => {
  const create = (name: string, parent: string, subnet: string) =>
    controller.createNetwork({ name, driver: "macvlan", ipam: { pools: [{ subnet }] }, options: { parent } });
  const first = await create("first", "out0.10", "10.71.0.0/24");
  const second = await create("second", "out0.10", "10.72.0.0/24");
  assert.match(run("ip -d link show out0.10"), /vlan protocol 802\.1Q id 10/);
  await first.delete();
  await controller.settle();
  assert.match(run("ip link show out0.10"), /out0\.10/);
  await second.delete();
  await controller.settle();
  assert.throws(() => run("ip link show out0.10"));
  run("ip link add link out0 name out0.20 type vlan id 20");
  await (await create("third", "out0.20", "10.73.0.0/24")).delete();
  await controller.settle();
  assert.match(run("ip link show out0.20"), /out0\.20/);
});

test("VLANs of one parent are apart from each other, and reach whoever has their tag outside", async () => {
  for (const id of [30, 31]) {
    run(`ip -n outside link add link eth0 name eth0.${id} type vlan id ${id}`);
    run(`ip -n outside link set eth0.${id} up`);
    run(`ip -n outside address add 10.${id}.0.1/24 dev eth0.${id}`);
    const made = await controller.createNetwork({
      name: `vlan${id}`,
      driver: "macvlan",
      ipam: { pools: [{ subnet: `10.${id}.0.0/24`, gateway: `10.${id}.0.1` }] },
      options: { parent: `out0.${id}` },
    });
    await controller.connect(made, await controller.createSandbox({ name: `in${id}` }), { ipv4: `10.${id}.0.9` });
  }
  exec("ip", "netns", "exec", "outside", "sysctl", "-qw", "net.ipv4.ip_forward=0");
  assert.ok(pings(controller, "in30", "10.30.0.1"));
  assert.ok(pings(controller, "in31", "10.31.0.1"));
  assert.ok(!pings(controller, "in30", "10.31.0.9"));
});
