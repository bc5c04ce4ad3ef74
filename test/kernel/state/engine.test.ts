import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress, parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { parseMac } from "../../../src/address/mac.ts";
import { isPortolanError } from "../../../src/errors.ts";
import { describeNetworkFirewall } from "../../../src/firewall/network.ts";
import { baseObjects } from "../../../src/firewall/table.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { KernelObject } from "../../../src/state/objects.ts";
import { inversePlan, plan } from "../../../src/state/plan.ts";
import { renderPlan } from "../../../src/state/render.ts";
import { enterTestHost, exec, missing, run, snapshot } from "../../support/test-host.ts";

enterTestHost();

const sandbox = "/run/portolan/netns/one";

/** A bridge network and an endpoint, by hand. */
const network: readonly KernelObject[] = [
  ...baseObjects,
  ...describeNetworkFirewall({
    bridge: "br-one",
    internal: false,
    among: "freely",
    trusted: [],
    subnets: [{ subnet: parseSubnet("10.9.0.0/24"), mode: "nat", source: "masquerade" }],
  }),
  {
    kind: "link",
    namespace: "host",
    type: "bridge",
    name: "br-one",
    mac: parseMac("02:00:00:00:00:01"),
    up: true,
    addressGeneration: "none",
  },
  { kind: "address", namespace: "host", link: "br-one", address: parseInterfaceAddress("10.9.0.1/24") },
  {
    kind: "address",
    namespace: "host",
    link: "br-one",
    address: parseInterfaceAddress("fd00:9::1/64"),
    noDuplicateDetection: true,
  },
  { kind: "sysctl", namespace: "host", name: "net/ipv4/ip_forward", value: "1", original: "0" },
  {
    kind: "route",
    namespace: "host",
    family: 4,
    destination: parseSubnet("10.77.0.0/16"),
    gateway: parseIp("10.9.0.9"),
    metric: 5,
    mtu: 1400,
    advertisedMss: 1300,
  },
  {
    kind: "neighbour",
    namespace: "host",
    link: "br-one",
    address: parseIp("10.9.0.200"),
    mac: parseMac("02:00:00:00:00:09"),
  },
  { kind: "rule", namespace: "host", family: 4, priority: 1000, table: 100, from: parseSubnet("10.9.0.0/24") },
  { kind: "file", path: "/run/portolan/one/hosts", content: "127.0.0.1 localhost\nit's\n", mode: 0o644 },
];
const endpoint: readonly KernelObject[] = [
  { kind: "namespace", path: sandbox },
  {
    kind: "link",
    namespace: "host",
    type: "veth",
    name: "veth1",
    mac: parseMac("02:00:00:00:00:03"),
    up: true,
    master: "br-one",
    addressGeneration: "none",
    mtu: 1400,
    port: { hairpin: true },
    peer: { namespace: sandbox, name: "eth0", mac: parseMac("02:00:00:00:00:02"), up: true, mtu: 1400 },
  },
  { kind: "sysctl", namespace: sandbox, name: "net/ipv6/conf/eth0/disable_ipv6", value: "0" },
  { kind: "address", namespace: sandbox, link: "eth0", address: parseInterfaceAddress("10.9.0.2/24") },
  {
    kind: "address",
    namespace: sandbox,
    link: "eth0",
    address: parseInterfaceAddress("fd00:9::2/64"),
    noDuplicateDetection: true,
  },
  { kind: "route", namespace: sandbox, family: 4, destination: "default", gateway: parseIp("10.9.0.1"), link: "eth0" },
  {
    kind: "route",
    namespace: sandbox,
    family: 6,
    destination: "default",
    gateway: parseIp("fd00:9::1"),
    link: "eth0",
    mtu: 1380,
    advertisedMss: 1320,
  },
];
const desired = [...network, ...endpoint];

test("the engine makes what is described, reads it back as described, and takes it away without a trace", async () => {
  const engine = createEngine(createKernel());
  try {
    const before = snapshot();
    await engine.apply(plan(desired, []));
    assert.deepEqual(plan(desired, await engine.observe(desired)), []);
    assert.match(exec("nsenter", `--net=${sandbox}`, "ping", "-c1", "-W2", "10.9.0.1"), / 0% packet loss/);
    assert.match(exec("nsenter", `--net=${sandbox}`, "ping", "-c1", "-W2", "fd00:9::1"), / 0% packet loss/);
    await engine.apply(plan([], desired));
    await engine.settle();
    assert.deepEqual(snapshot(), before);
    assert.deepEqual(await engine.observe(desired).then((there) => there.filter(({ kind }) => kind !== "sysctl")), []);
  } finally {
    await engine.close();
  }
});

test("a refusal names the object and the kernel's words, and undoes everything before it", async () => {
  const engine = createEngine(createKernel());
  try {
    run("ip link add br-taken type bridge");
    const before = snapshot();
    const bad: KernelObject = {
      kind: "route",
      namespace: "host",
      family: 4,
      destination: parseSubnet("10.50.0.0/16"),
      gateway: parseIp("203.0.113.1"),
    };
    await assert.rejects(engine.apply(plan([...desired, bad], [])), (error) => {
      assert.ok(isPortolanError(error, "kernel"));
      assert.match(error.message, /IPv4 route to 10.50.0.0\/16 via 203.0.113.1 in the host/);
      assert.match(error.reason ?? "", /ENETUNREACH: .*gateway/);
      assert.deepEqual(error.suppressed, []);
      return true;
    });
    const taken: KernelObject = { kind: "link", namespace: "host", type: "bridge", name: "br-taken", up: true };
    await assert.rejects(engine.apply([{ action: "create", object: taken }]), /bridge link br-taken in the host/);
    await engine.settle();
    assert.deepEqual(snapshot(), before);
    run("ip link del br-taken");
  } finally {
    await engine.close();
  }
});

test("a setting of a link that was there before is put back when something after it is refused", async () => {
  run("ip link add theirs type bridge");
  const forwarding = (): string => run("sysctl -n net.ipv4.conf.theirs.forwarding").trim();
  const before = forwarding();
  const engine = createEngine(createKernel());
  const refused: readonly KernelObject[] = [
    { kind: "sysctl", namespace: "host", name: "net/ipv4/conf/theirs/forwarding", value: before === "1" ? "0" : "1" },
    { kind: "address", namespace: "host", link: "nowhere", address: parseInterfaceAddress("10.9.9.1/24") },
  ];
  await assert.rejects(engine.apply(plan(refused, [])), (error) => isPortolanError(error, "kernel"));
  assert.equal(forwarding(), before);
  await engine.close();
  run("ip link delete theirs");
});

test("what somebody breaks is found and mended, and what is not ours stays", async () => {
  const engine = createEngine(createKernel());
  try {
    await engine.apply(plan(desired, []));
    run("ip link add foreign type bridge");
    run("nft flush ruleset");
    run("nft add table inet foreign");
    run("ip link del veth1");
    run("ip addr del 10.9.0.1/24 dev br-one");
    run("ip addr add 10.9.0.5/24 dev br-one");
    run("ip link set br-one down");
    const mend = plan(desired, await engine.observe(desired));
    assert.ok(mend.length > 10);
    await engine.apply(mend);
    assert.deepEqual(plan(desired, await engine.observe(desired)), []);
    assert.match(run("ip addr show dev br-one"), /10\.9\.0\.5/);
    assert.match(run("nft list tables"), /inet foreign/);
    assert.match(exec("nsenter", `--net=${sandbox}`, "ip", "-6", "route"), /mtu 1380 advmss 1320/);
    assert.match(run("ip route"), /mtu 1400 advmss 1300/);
    assert.match(exec("nsenter", `--net=${sandbox}`, "ping", "-c1", "-W2", "10.9.0.1"), / 0% packet loss/);
    run("ip addr del 10.9.0.5/24 dev br-one");
    await engine.apply(inversePlan(plan(desired, [])));
    await engine.settle();
    run("ip link del foreign");
    run("nft delete table inet foreign");
  } finally {
    await engine.close();
  }
});

test("limits of a route that somebody changes are put back", async () => {
  const engine = createEngine(createKernel());
  try {
    await engine.apply(plan(desired, []));
    run("ip route change 10.77.0.0/16 via 10.9.0.9 metric 5 proto 112 mtu 1200 advmss 1300");
    const mend = plan(desired, await engine.observe(desired));
    assert.deepEqual(
      mend.map(({ action, object }) => `${action} ${object.kind}`),
      ["update route"],
    );
    await engine.apply(mend);
    assert.match(run("ip route"), /mtu 1400 advmss 1300/);
    assert.deepEqual(plan(desired, await engine.observe(desired)), []);
  } finally {
    await engine.apply(plan([], desired));
    await engine.settle();
    await engine.close();
  }
});

test("the printed commands leave the kernel in the same state", { skip: missing("nft") }, async () => {
  const engine = createEngine(createKernel());
  try {
    const before = snapshot();
    await engine.apply(plan(desired, []));
    const ours = [snapshot(), snapshot(sandbox)];
    await engine.apply(plan([], desired));
    await engine.settle();
    for (const line of renderPlan(plan(desired, []))) exec("sh", "-ec", line);
    assert.deepEqual([snapshot(), snapshot(sandbox)], ours);
    for (const line of renderPlan(plan([], desired))) exec("sh", "-ec", line);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(snapshot(), before);
  } finally {
    await engine.close();
  }
});
