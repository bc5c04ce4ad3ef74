/** Who reaches whom in each mode of macvlan, by real traffic: containers on one parent, a machine outside, the host; one by one, broadcasts, multicasts, neighbours. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createController } from "../../../../src/model/controller.ts";
import type { NetworkController } from "../../../../src/model/types.ts";
import { inSubnets, makeOutside } from "../../../support/outside.ts";
import { enterTestHost, exec, run, temporaryDirectory } from "../../../support/test-host.ts";
import { inside, pings } from "../endpoint/sandboxes.ts";

enterTestHost();

/** On the parent's network: the host, and a machine outside. */
const host = { 4: "10.50.0.1", 6: "fd00:50::1" } as const;
const outside = { 4: "10.50.0.2", 6: "fd00:50::2" } as const;
const pools = [
  { subnet: "10.50.0.0/24", gateway: outside[4] },
  { subnet: "fd00:50::/64", gateway: outside[6] },
] as const;
const families = [4, 6] as const;
/** Two containers of the network, by address. */
const web = { 4: "10.50.0.10", 6: "fd00:50::10" } as const;
const client = { 4: "10.50.0.11", 6: "fd00:50::11" } as const;

const directory = temporaryDirectory();
let controller: NetworkController;

before(async () => {
  makeOutside(inSubnets(host), inSubnets(outside));
  exec("ip", "netns", "exec", "outside", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_broadcasts=0");
  controller = await createController({ stateDir: directory.path, runDir: "/run/macvlan" });
});
after(async () => {
  await controller.close();
  directory[Symbol.dispose]();
});

/** A network of that mode with its two containers, or the one that it can have; gone at the end. */
async function network(mode: string, count = 2): Promise<AsyncDisposable> {
  const made = await controller.createNetwork({
    name: `in-${mode}`,
    driver: "macvlan",
    enableIpv6: true,
    ipam: { pools },
    options: { parent: "out0", macvlan_mode: mode },
  });
  for (const [name, { 4: ipv4, 6: ipv6 }] of Object.entries({ web, client }).slice(0, count)) {
    await controller.connect(made, await controller.createSandbox({ name }), { name, ipv4, ipv6 });
    inside(controller, name, "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_broadcasts=0");
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const { name } of controller.sandboxes()) await controller.sandbox(name).delete();
      await made.delete();
    },
  };
}

const fromOutside = (address: string): boolean => answers(["ip", "netns", "exec", "outside"], address);
const fromHost = (address: string): boolean => answers([], address);

function answers(prefix: readonly string[], address: string): boolean {
  try {
    exec(...prefix, "ping", "-c", "1", "-W", "1", address);
    return true;
  } catch {
    return false;
  }
}

/** Addresses that answer a ping to everybody, asked in a sandbox. */
function everybody(sandbox: string, ...target: readonly string[]): ReadonlySet<string> {
  const text = inside(controller, sandbox, "sh", "-c", `ping -c 5 -i 0.2 -w 2 ${target.join(" ")} || true`);
  return new Set([...text.matchAll(/bytes from ([0-9a-f.:]+)(?:%\w+)?: icmp/g)].map(([, address]) => address ?? ""));
}

/** The link-local address of a container's interface. */
function linkLocal(sandbox: string): string {
  const [shown] = JSON.parse(inside(controller, sandbox, "ip", "-6", "-j", "address", "show", "eth0", "scope", "link"));
  return shown.addr_info.find(({ scope }: { scope: string }) => scope === "link").local;
}

for (const [mode, together] of [
  ["bridge", true],
  ["private", false],
  ["vepa", false],
] as const)
  describe(`mode ${mode}`, () => {
    let made: AsyncDisposable;
    before(async () => {
      made = await network(mode);
    });
    after(() => made[Symbol.asyncDispose]());

    test(`containers on one parent ${together ? "reach" : "do not reach"} each other`, () => {
      for (const family of families) assert.equal(pings(controller, "client", web[family]), together, `IPv${family}`);
    });

    test("a machine outside reaches them, and they reach it", () => {
      for (const family of families) {
        assert.ok(pings(controller, "web", outside[family]), `out, IPv${family}`);
        assert.ok(fromOutside(web[family]), `in, IPv${family}`);
      }
    });

    test("the host and they do not reach each other by the parent", () => {
      for (const family of families) {
        assert.ok(!pings(controller, "web", host[family]), `IPv${family}`);
        assert.ok(!fromHost(web[family]), `IPv${family}`);
      }
    });

    test("broadcasts and multicasts reach the outside, and each other where they reach each other", () => {
      const broadcast = everybody("client", "-b", "10.50.0.255");
      assert.ok(broadcast.has(outside[4]));
      assert.equal(broadcast.has(web[4]), together);
      const multicast = everybody("client", "-6", "ff02::1%eth0");
      assert.equal(multicast.has(linkLocal("web")), together);
      assert.ok(multicast.size >= (together ? 2 : 1), [...multicast].join(" "));
    });

    test("IPv6 neighbours are found where they are reached", () => {
      pings(controller, "client", web[6]);
      const neighbours = JSON.parse(inside(controller, "client", "ip", "-6", "-j", "neighbour", "show"));
      const entry = neighbours.find(({ dst }: { dst: string }) => dst === web[6]);
      assert.equal(entry?.lladdr !== undefined, together);
    });
  });

test("mode vepa: a switch that sends frames back leads containers to each other", async () => {
  await using _made = await network("vepa");
  run("ip -n outside link add sw type bridge");
  try {
    run("ip -n outside link set eth0 master sw");
    run("ip -n outside link set sw up");
    run("bridge -n outside link set dev eth0 hairpin on");
    for (const family of families) assert.ok(pings(controller, "client", web[family]), `IPv${family}`);
  } finally {
    run("ip -n outside link delete sw");
  }
});

test("mode passthru: one container has the parent to itself, MAC address and all", async () => {
  await using _made = await network("passthru", 1);
  for (const family of families) {
    assert.ok(pings(controller, "web", outside[family]));
    assert.ok(fromOutside(web[family]));
  }
  await controller.createSandbox({ name: "second" });
  await assert.rejects(controller.connect(controller.network("in-passthru"), controller.sandbox("second")), {
    code: "kernel",
  });
  // Who comes next finds it free at once.
  const before = controller.endpoint("web").info();
  await controller.disconnect(controller.endpoint("web"));
  await controller.connect(controller.network("in-passthru"), controller.sandbox("web"), {
    ipv4: web[4],
    ipv6: web[6],
  });
  assert.ok(pings(controller, "web", outside[4]), String(before.mac));
});

test("published ports are refused: endpoints are reached at their own addresses", async () => {
  await using _made = await network("bridge", 0);
  const sandbox = await controller.createSandbox({ name: "web" });
  await assert.rejects(controller.connect(controller.network("in-bridge"), sandbox, { publish: ["8080:80"] }), {
    code: "forbidden",
  });
});

test("mode passthru has no company on its parent, in either order", async () => {
  const create = (name: string, mode: string) =>
    controller.createNetwork({
      name,
      driver: "macvlan",
      ipam: { pools: [{ subnet: name === "first" ? "10.61.0.0/24" : "10.62.0.0/24" }] },
      options: { parent: "out0", macvlan_mode: mode },
    });
  for (const [one, other] of [
    ["bridge", "passthru"],
    ["passthru", "bridge"],
  ] as const) {
    const first = await create("first", one);
    await assert.rejects(create("second", other), { code: "in-use", message: /out0 is the parent of network first/ });
    await first.delete();
  }
});

test("without a parent containers reach each other and nobody else, also by a link of their own making", async () => {
  const made = await controller.createNetwork({
    name: "nowhere",
    driver: "macvlan",
    ipam: { pools: [{ subnet: "10.63.0.0/24" }] },
  });
  for (const name of ["web", "client"]) {
    await controller.connect(made, await controller.createSandbox({ name }), { name });
  }
  assert.ok(pings(controller, "client", controller.endpoint("web").info().ipv4?.split("/")[0] ?? ""));
  assert.ok(!pings(controller, "client", outside[4]));
  assert.doesNotMatch(inside(controller, "client", "ip", "route"), /default/);
  for (const name of ["web", "client"]) await controller.sandbox(name).delete();
  await made.delete();
  await controller.settle();
  assert.doesNotMatch(run("ip link"), /dm-/);
});

test("what is refused names the option and what to do", async () => {
  const create = (options: Record<string, string>) =>
    controller.createNetwork({ name: "bad", driver: "macvlan", options });
  await assert.rejects(create({ parent: "lo" }), { code: "invalid-option", advice: /loopback/ });
  await assert.rejects(create({ parent: "nosuch" }), { code: "invalid-option", advice: /LINK\.VLAN/ });
  await assert.rejects(create({ parent: "out0", macvlan_mode: "brigde" }), { advice: /did you mean "bridge"/ });
  await assert.rejects(create({ paren: "out0" }), { advice: /did you mean "parent"/ });
});
