/** Links that machines often lack the kernel options for, as objects of the engine: made, seen, mended, printed, taken away. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { parseInterfaceAddress, parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { parseMac } from "../../../src/address/mac.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { KernelObject, MovedLink } from "../../../src/state/objects.ts";
import { inversePlan, plan } from "../../../src/state/plan.ts";
import { renderPlan } from "../../../src/state/render.ts";
import { enterTestHost, exec, run } from "../../support/test-host.ts";

enterTestHost();
const engine = createEngine(createKernel());
after(() => engine.close());

run("ip netns add box");
run("ip link add far type veth peer name eth0 netns box");
run("ip link set far up");
// A link has its queueing discipline from the first time it is up.
run("ip -n box link set eth0 up");
run("ip -n box link set eth0 down");
run("ip address add 10.9.0.1/24 dev far");
const namespace = "/run/netns/box";

/** Links, addresses and routes of the namespace and links of the host, without what the kernel chooses by itself, at some time. */
const shown = (): string =>
  exec(
    "sh",
    "-c",
    "ip -d link; bridge vlan; for what in link '-4 address' '-6 address' '-4 route' '-6 route'; do ip -n box $what show; done",
  )
    .replaceAll(/^\d+: |link\/ether \S+|tentative|linkdown|state \w+|NO-CARRIER,|,LOWER_UP|,M-DOWN|@if\d+/gm, "")
    // What follows from a bridge's address and from how long it has been there.
    .replaceAll(/(bridge_id|designated_\w+) \S+|timer +[\d.]+/g, "")
    .replaceAll(/^.*fe80:.*\n(.*valid_lft.*\n)?/gm, "");

/** Makes objects, looks, makes them by the printed commands, and looks again; gone in between and at the end. `damage` is mended. */
async function tried(objects: readonly KernelObject[], damage: string, look: () => void): Promise<void> {
  const before = shown();
  await engine.apply(plan(objects, []));
  const made = shown();
  look();
  assert.deepEqual(plan(objects, await engine.observe(objects)), []);
  run(damage);
  const mend = plan(objects, await engine.observe(objects));
  assert.notDeepEqual(mend, [], damage);
  await engine.apply(mend);
  assert.deepEqual(plan(objects, await engine.observe(objects)), []);
  look();
  await engine.apply(plan([], await engine.observe([], objects)));
  await engine.settle();
  assert.equal(shown(), before);
  for (const line of renderPlan(plan(objects, []))) exec("sh", "-ec", line);
  assert.equal(shown(), made);
  for (const line of renderPlan(plan([], objects))) exec("sh", "-ec", line);
  assert.equal(shown(), before);
}

test("a VRF in a namespace, with a port whose IPv6 address stays", async () => {
  // The kernel makes a rule with the first VRF of a namespace, and leaves it.
  const first: KernelObject = { kind: "link", namespace, type: "vrf", name: "first", table: 99, up: true };
  await engine.apply(plan([first], []));
  await engine.apply(plan([], await engine.observe([], [first])));
  await engine.settle();
  const objects: readonly KernelObject[] = [
    { kind: "link", namespace, type: "vrf", name: "red", table: 100, up: true },
    { kind: "link-setting", namespace, link: "eth0", setting: "master", value: "red", original: "" },
    { kind: "link-setting", namespace, link: "eth0", setting: "up", value: "on", original: "off" },
    { kind: "address", namespace, link: "eth0", address: parseInterfaceAddress("10.9.0.2/24") },
    {
      kind: "address",
      namespace,
      link: "eth0",
      address: parseInterfaceAddress("fd00:9::2/64"),
      noDuplicateDetection: true,
    },
    {
      kind: "route",
      namespace,
      family: 4,
      destination: "default",
      gateway: parseIp("10.9.0.1"),
      link: "eth0",
      table: 100,
    },
  ];
  await tried(objects, "ip -n box link set eth0 nomaster", () => {
    assert.match(run("ip -n box -d link show red"), /vrf table 100/);
    assert.match(run("ip -n box route show vrf red"), /default via 10.9.0.1[^\n]*\n10.9.0.0\/24/);
    assert.match(run("ip -n box address show eth0"), /fd00:9::2/);
    assert.match(run("ip netns exec box ping -c 1 -W 5 -I red 10.9.0.1"), / 0% packet loss/);
    assert.doesNotMatch(run("ip -n box route"), /10\.9/);
  });
});

test("a link that joins a VRF later keeps its IPv6 addresses and routes", async () => {
  const before: readonly KernelObject[] = [
    { kind: "link-setting", namespace, link: "eth0", setting: "up", value: "on", original: "off" },
    {
      kind: "address",
      namespace,
      link: "eth0",
      address: parseInterfaceAddress("fd00:9::2/64"),
      noDuplicateDetection: true,
    },
    { kind: "address", namespace, link: "eth0", address: parseInterfaceAddress("10.9.0.2/24") },
    { kind: "route", namespace, family: 4, destination: parseSubnet("10.77.0.0/16"), link: "eth0", table: 100 },
  ];
  const joined: readonly KernelObject[] = [
    ...before,
    { kind: "link", namespace, type: "vrf", name: "red", table: 100, up: true },
    { kind: "link-setting", namespace, link: "eth0", setting: "master", value: "red", original: "" },
  ];
  const start = shown();
  const seen: string[] = [];
  for (const [there, wanted] of [
    [[], before],
    [before, joined],
    [joined, before],
  ] as const) {
    // As the ledger has it, which looks at nothing.
    await engine.apply(plan(wanted, there));
    await engine.settle();
    assert.deepEqual(plan(wanted, await engine.observe(wanted)), []);
    seen.push(shown());
  }
  assert.equal(seen[2], seen[0]);
  await engine.apply(plan([], before));
  assert.equal(shown(), start);
});

test("a VRF of another table is made anew", async () => {
  const red = { kind: "link", namespace, type: "vrf", name: "red", table: 100, up: true } as const;
  await engine.apply(plan([red], []));
  const other = [{ ...red, table: 101 }];
  await engine.apply(plan(other, await engine.observe(other)));
  assert.match(run("ip -n box -d link show red"), /vrf table 101/);
  await engine.apply(plan([], other));
  await engine.settle();
});

test("dummies in the host and in a namespace", async () => {
  const base = { kind: "link", type: "dummy", up: true } as const;
  const objects: readonly KernelObject[] = [
    { ...base, namespace: "host", name: "d0", mtu: 1400, mac: parseMac("02:00:00:00:00:d0") },
    { ...base, namespace, name: "d1", mtu: 1300 },
    { kind: "address", namespace, link: "d1", address: parseInterfaceAddress("192.0.2.1/32") },
  ];
  await tried(objects, "ip link set d0 mtu 1200", () => {
    assert.match(run("ip -d link show d0"), /mtu 1400 .*02:00:00:00:00:d0.*dummy/s);
    assert.match(run("ip -n box address show d1"), /mtu 1300 .*192\.0\.2\.1\/32/s);
  });
});

test("a dummy of somebody's in a namespace and back", async () => {
  run("ip link add nic0 mtu 1450 type dummy");
  run("ip link set nic0 up");
  const moved: MovedLink = { kind: "moved-link", name: "nic0", namespace, newName: "net1", mtu: 1300, up: true };
  await tried([moved], "ip -n box link set net1 mtu 1200", () => {
    assert.match(run("ip -n box link show net1"), /mtu 1300/);
  });
  run("ip link delete nic0");
});

test("VLANs of a bridge, its ports and itself", async () => {
  run("ip netns add other");
  const bridge = { kind: "link", type: "bridge", namespace: "host", name: "br0", up: true } as const;
  const ends = [
    ["va", namespace, "10.8.0.2/24"],
    ["vb", "/run/netns/other", "10.8.0.3/24"],
  ] as const;
  const untagged = { kind: "bridge-vlan", namespace: "host", id: 10, untagged: true, pvid: true } as const;
  const objects: readonly KernelObject[] = [
    { ...bridge, vlanFiltering: true, defaultVlan: 0 },
    { kind: "address", namespace: "host", link: "br0", address: parseInterfaceAddress("10.8.0.1/24") },
    { ...untagged, link: "br0", self: true },
    ...ends.flatMap(([name, where, address]): readonly KernelObject[] => [
      {
        kind: "link",
        type: "veth",
        namespace: "host",
        name,
        up: true,
        master: "br0",
        peer: { namespace: where, name: "eth1", up: true },
      },
      { kind: "address", namespace: where, link: "eth1", address: parseInterfaceAddress(address) },
      { ...untagged, link: name },
      { kind: "bridge-vlan", namespace: "host", link: name, id: 30, untagged: false, pvid: false },
    ]),
  ];
  // Several: who has not answered is asked again only after a while.
  const reaches = (address: string): boolean =>
    /, [1-4] received/.test(exec("sh", "-c", `ip netns exec box ping -c 4 -i 0.5 -W 2 ${address} || true`));
  await tried(objects, "bridge vlan delete dev va vid 10", () => {
    assert.ok(reaches("10.8.0.1") && reaches("10.8.0.3"));
    assert.match(run("bridge vlan show dev va"), /va +10 PVID Egress Untagged\s+30\s*$/);
  });
  await engine.apply(plan(objects, []));
  // One that is elsewhere reaches nobody.
  const apart = objects.map(
    (one): KernelObject => (one.kind === "bridge-vlan" && one.link === "vb" && one.pvid ? { ...one, id: 20 } : one),
  );
  const change = plan(apart, objects);
  await engine.apply(change);
  assert.ok(reaches("10.8.0.1") && !reaches("10.8.0.3"));
  await engine.apply(inversePlan(change));
  assert.ok(reaches("10.8.0.3"));
  // A refusal after them takes them back; a port that left its bridge has none to remove.
  const more: KernelObject = {
    kind: "bridge-vlan",
    namespace: "host",
    link: "va",
    id: 40,
    untagged: false,
    pvid: false,
  };
  const bad: KernelObject = { ...more, link: "far", id: 41 };
  await assert.rejects(engine.apply(plan([...objects, more, bad], objects)), /VLAN 41 of bridge link far in the host/);
  assert.doesNotMatch(run("bridge vlan show dev va"), /40/);
  run("ip link set va nomaster");
  await engine.apply(plan([], objects));
  await engine.settle();
});
