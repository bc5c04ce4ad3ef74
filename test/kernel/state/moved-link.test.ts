/** Links of the host in a namespace and back: what they were is brought back, whatever fails, is taken, or vanishes meanwhile. */
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { parseInterfaceAddress } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { KernelObject, MovedLink } from "../../../src/state/objects.ts";
import { inversePlan, plan } from "../../../src/state/plan.ts";
import { renderPlan } from "../../../src/state/render.ts";
import { Faults } from "../../support/faults.ts";
import { createFaultyKernel } from "../../support/faulty-kernel.ts";
import { enterTestHost, exec, run } from "../../support/test-host.ts";

enterTestHost();
const faults = new Faults();
const engine = createEngine(createFaultyKernel(createKernel(), faults));
after(() => engine.close());

const namespace = "/run/netns/box";

const moved: MovedLink = { kind: "moved-link", name: "nic0", namespace, newName: "eth0", mtu: 1300, up: true };
const objects: readonly KernelObject[] = [
  moved,
  { kind: "sysctl", namespace, name: "net/ipv4/conf/eth0/arp_notify", value: "1" },
  { kind: "address", namespace, link: "eth0", address: parseInterfaceAddress("10.9.0.2/24") },
  { kind: "route", namespace, family: 4, destination: "default", gateway: parseIp("10.9.0.1"), link: "eth0" },
];

beforeEach(() => {
  run("ip netns add box");
  run("ip link add nic0 mtu 1400 address 02:00:00:00:00:66 type veth peer name far");
  exec("ip", "link", "set", "nic0", "alias", "to the switch's port 3");
  run("ip link set nic0 up");
  run("ip link set far up");
  run("ip address add 10.9.0.1/24 dev far");
});
afterEach(() => {
  faults.arm();
  exec("sh", "-c", "ip link delete far 2>/dev/null; ip netns delete box 2>/dev/null || true");
});

/** The links of the host and of the namespace, without what follows from their order and their other ends. */
function links(): string {
  return exec("sh", "-c", "ip -d link; ip -n box -d link 2>/dev/null || true")
    .replaceAll(/^\d+: /gm, "")
    .replaceAll(/@\S+:/g, ":")
    .replaceAll(/ link-netns(id)? \S+| state \w+|NO-CARRIER,|,LOWER_UP|,M-DOWN/g, "");
}

test("a link is moved with what stands on it, and comes back as it was", async () => {
  const before = links();
  await engine.apply(plan(objects, []));
  assert.match(run("ip -n box address show eth0"), /mtu 1300 .*02:00:00:00:00:66.*inet 10.9.0.2\/24/s);
  assert.match(run("ip netns exec box ping -c 1 -W 2 10.9.0.1"), / 0% packet loss/);
  assert.doesNotMatch(run("ip link"), /nic0@/);
  assert.deepEqual(plan(objects, await engine.observe(objects)), []);
  await engine.apply(plan([], await engine.observe([], objects)));
  assert.equal(links(), before);
});

test("one that is moved as it is, down, comes back up", async () => {
  const before = links();
  const { mtu: _, ...bare } = moved;
  const down: MovedLink = { ...bare, up: false };
  await engine.apply(plan([down], []));
  assert.match(run("ip -n box link show eth0"), /mtu 1400 .*state DOWN/);
  await engine.apply(plan([], [down]));
  assert.equal(links(), before);
});

test("what somebody changes there is mended, also its name", async () => {
  const before = links();
  await engine.apply(plan(objects, []));
  const away = links();
  for (const [damages, action] of [
    [["ip -n box link set eth0 mtu 1200"], "update"],
    [["ip -n box link set eth0 down", "ip -n box link set eth0 name other", "ip -n box link set other up"], "delete"],
  ] as const) {
    for (const damage of damages) run(damage);
    const mend = plan(objects, await engine.observe(objects));
    assert.equal(mend[0]?.action, action);
    await engine.apply(mend);
    assert.deepEqual(plan(objects, await engine.observe(objects)), []);
    assert.equal(links(), away);
  }
  await engine.apply(plan([], objects));
  assert.equal(links(), before);
});

test("a name that is taken there is refused, and everything is as it was; that the old name is taken there does not matter", async () => {
  run("ip -n box link add eth0 type ifb");
  run("ip -n box link add nic0 type ifb");
  const before = links();
  await assert.rejects(engine.apply(plan(objects, [])), {
    message: /link nic0 of the host as eth0 in namespace \/run\/netns\/box: .*is there already/,
    suppressed: [],
  });
  assert.equal(links(), before);
  run("ip -n box link delete eth0");
  await engine.apply(plan(objects, []));
  assert.match(run("ip -n box link show eth0"), /02:00:00:00:00:66/);
  await engine.apply(plan([], objects));
  run("ip -n box link add eth0 type ifb");
  assert.match(run("ip link show nic0"), /02:00:00:00:00:66/);
});

test("a link that is not there is refused by name", async () => {
  await assert.rejects(engine.apply(plan([{ ...moved, name: "nowhere" }], [])), /link nowhere of the host as eth0/);
});

test("where its name was given to another one it comes home under any", async () => {
  await engine.apply(plan([moved], []));
  run("ip link add nic0 type ifb");
  await engine.apply(plan([], [moved]));
  assert.match(run("ip link show nic0"), /NOARP/);
  assert.match(run("ip link"), /dev\d+@far: <[A-Z,_]*UP.*02:00:00:00:00:66.*alias to the switch's port 3/s);
  assert.deepEqual(await engine.observe([], [moved]), []);
  run("ip link delete nic0");
});

test("whichever change is refused, on the way there or back, everything is as it was", async () => {
  const states: string[] = [links()];
  for (const changes of [plan(objects, []), plan([], objects)]) {
    for (let at = 1; ; at++) {
      faults.arm({ at });
      try {
        await engine.apply(changes);
        break;
      } catch (error) {
        assert.deepEqual((error as { suppressed?: unknown }).suppressed, [], `${faults.struck}`); // a PortolanError
        assert.equal(links(), states.at(-1), `${faults.struck}`);
      }
    }
    states.push(links());
  }
  assert.equal(states[2], states[0]);
});

test("a change that is taken back leaves it where it was", async () => {
  const before = links();
  const changes = plan(objects, []);
  await engine.apply(changes);
  await engine.apply(inversePlan(changes));
  assert.equal(links(), before);
});

test("one that somebody gave another name there comes back, also to who was not told", async () => {
  const before = links();
  await engine.apply(plan([moved], []));
  run("ip -n box link set eth0 down");
  run("ip -n box link set eth0 name other");
  run("ip -n box link add eth0 type ifb");
  await engine.apply(plan([], [moved]));
  run("ip -n box link delete eth0");
  assert.equal(links(), before);
});

test("what went with its namespace is no error to remove", async () => {
  await engine.apply(plan(objects, []));
  run("ip netns delete box");
  while (run("ip link").includes("far")) await new Promise((resolve) => setTimeout(resolve, 5));
  await engine.apply(plan([], objects));
  assert.deepEqual(await engine.observe([], objects), []);
});

test("one that the kernel brought back, as it does with hardware, gets its name again, with the namespace or without", async () => {
  const before = links();
  for (const left of [true, false]) {
    await engine.apply(plan([moved], []));
    run("ip -n box link set eth0 down");
    run(`ip -n box link set eth0 netns ${process.pid} name dev7`);
    if (left) run("ip netns delete box");
    await engine.apply(left ? plan([], [moved]) : plan([moved], await engine.observe([moved])));
    if (left) {
      run("ip netns add box");
      assert.equal(links(), before);
    }
  }
  assert.match(run("ip -n box link show eth0"), /mtu 1300/);
  await engine.apply(plan([], [moved]));
  assert.equal(links(), before);
});

test("one whose mover was killed on the way is found and brought back", async () => {
  const before = links();
  for (const at of [1, 2, 3]) {
    const [alias = "", leave = "", arrive = ""] = renderPlan(plan([moved], []));
    for (const line of [alias, leave, arrive].slice(0, at)) exec("sh", "-ec", line);
    await engine.apply(plan([], await engine.observe([], [moved])));
    assert.equal(links(), before, `after ${at}`);
  }
});

test("the printed commands do the same", async () => {
  const before = links();
  await engine.apply(plan(objects, []));
  const away = links();
  await engine.apply(plan([], objects));
  for (const line of renderPlan(plan(objects, []))) exec("sh", "-ec", line);
  assert.equal(links(), away);
  for (const line of renderPlan(plan([], objects))) exec("sh", "-ec", line);
  assert.equal(links(), before);
});

test("it comes back before its namespace goes, and takes none of what was set on it along", async () => {
  const box: KernelObject = { kind: "namespace", path: "/run/own/box" };
  const there: MovedLink = { ...moved, namespace: "/run/own/box" };
  const mac: KernelObject = {
    kind: "link-setting",
    namespace: there.namespace,
    link: "eth0",
    setting: "mac",
    value: "02:00:00:00:00:99",
    original: "02:00:00:00:00:66",
  };
  const before = links();
  await engine.apply(plan([box, there, mac], []));
  assert.match(run("nsenter --net=/run/own/box ip link show eth0"), /02:00:00:00:00:99/);
  await engine.apply(plan([], [box, there, mac]));
  assert.equal(links(), before);
  for (const line of renderPlan(plan([box, there, mac], []))) exec("sh", "-ec", line);
  for (const line of renderPlan(plan([], [box, there, mac]))) exec("sh", "-ec", line);
  assert.equal(links(), before);
});
