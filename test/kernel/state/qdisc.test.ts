/** Token buckets at the root of links: as `tc` makes them, changed in place, mended, taken away; with a refusal, with others' in their place, with the link gone. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, beforeEach, test } from "node:test";
import { parseInterfaceAddress } from "../../../src/address/cidr.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { tickLength } from "../../../src/kernel/netlink/route/qdisc.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { KernelObject, Qdisc } from "../../../src/state/objects.ts";
import { inversePlan, plan } from "../../../src/state/plan.ts";
import { renderPlan } from "../../../src/state/render.ts";
import { enterTestHost, exec, run } from "../../support/test-host.ts";

enterTestHost();
const engine = createEngine(createKernel());
after(() => engine.close());

beforeEach(() => {
  run("ip netns add box");
  run("ip link add v0 type veth peer name v1 netns box");
  run("ip address add 10.9.0.1/24 dev v0");
  run("ip -n box address add 10.9.0.2/24 dev v1");
  run("ip link set v0 up");
  run("ip -n box link set v1 up");
});
afterEach(() => {
  exec("sh", "-c", "ip link delete v0 2>/dev/null; ip netns delete box 2>/dev/null || true");
});

/** The root of a link as `tc` tells it, without its handle. */
function shown(link: string, where: readonly string[] = []): unknown {
  const [root] = JSON.parse(exec("tc", ...where, "-j", "qdisc", "show", "dev", link)) as Record<string, unknown>[]; // of tc
  const { handle: _, refcnt: __, ...rest } = root ?? {};
  return rest;
}

const bucket: Qdisc = {
  kind: "qdisc",
  namespace: "host",
  link: "v0",
  type: "tbf",
  rate: 125_000,
  burst: 20_000,
  latency: 25_000,
};

/** From a crawl to a rate of more than 32 bits. */
const buckets: readonly Pick<Qdisc, "rate" | "burst" | "latency">[] = [
  { rate: 1000, burst: 1600, latency: 25_000 },
  { rate: 125_000, burst: 20_000, latency: 25_000 },
  { rate: 12_500_000, burst: 1_250_000, latency: 50_000 },
  { rate: 1_250_000_000, burst: 3_333_333, latency: 1_000 },
  { rate: 4_294_967_295, burst: 10_000_000, latency: 25_000 },
  { rate: 12_500_000_000, burst: 100_000_000, latency: 25_000 },
];
for (const { rate, burst, latency } of buckets)
  test(`${rate} bytes per second are as \`tc\` makes them`, async () => {
    const object = { ...bucket, rate, burst, latency };
    await engine.apply(plan([object], []));
    const ours = shown("v0");
    assert.deepEqual(await engine.observe([object]), [object]);
    await engine.apply(plan([], [object]));
    run(`tc qdisc add dev v0 root tbf rate ${rate}bps burst ${burst} latency ${latency}us`);
    assert.deepEqual(shown("v0"), ours);
  });

test("a tick is as long as the kernel says", () => {
  const [, length] = readFileSync("/proc/net/psched", "utf8").split(" ");
  assert.equal(Number.parseInt(length ?? "", 16), tickLength);
});

test("what leaves faster is held back to the rate", async () => {
  /** How long the pings took to get out, milliseconds. */
  const duration = (): number => {
    const said = exec("sh", "-c", "ping -q -c 30 -i 0.002 -s 1400 -W 1 10.9.0.2 || true");
    return Number(/time (\d+)ms/.exec(said)?.[1]);
  };
  await engine.apply(plan([{ ...bucket, rate: 12_500_000, burst: 100_000 }], []));
  const quick = duration();
  // 40 kB take 800 ms.
  await engine.apply(plan([{ ...bucket, rate: 50_000, burst: 3000 }], await engine.observe([bucket])));
  const slow = duration();
  assert.ok(slow > 500 && quick < slow / 2, `${quick} ms, then ${slow} ms`);
});

test("it is changed in place, and put back by the inverse", async () => {
  const before = shown("v0");
  await engine.apply(plan([bucket], []));
  const first = shown("v0");
  const change = plan([{ ...bucket, rate: 250_000 }], [bucket]);
  assert.deepEqual(
    change.map(({ action }) => action),
    ["update"],
  );
  await engine.apply(change);
  assert.notDeepEqual(shown("v0"), first);
  await engine.apply(inversePlan(change));
  assert.deepEqual(shown("v0"), first);
  await engine.apply(plan([], [bucket]));
  assert.deepEqual(shown("v0"), before);
});

test("the printed commands do the same, in a namespace too", async () => {
  const inBox: Qdisc = { ...bucket, namespace: "/run/netns/box", link: "v1" };
  const steps = [plan([bucket, inBox], []), plan([{ ...bucket, burst: 30_000 }, inBox], [bucket, inBox])];
  const both = (): unknown => [shown("v0"), shown("v1", ["-n", "box"])];
  const before = both();
  const seen: unknown[] = [];
  for (const step of steps) {
    await engine.apply(step);
    seen.push(both());
  }
  const end = plan([], await engine.observe([], [bucket, inBox]));
  assert.equal(end.length, 2);
  await engine.apply(end);
  assert.deepEqual(both(), before);
  for (const [at, step] of steps.entries()) {
    for (const line of renderPlan(step)) exec("sh", "-ec", line);
    assert.deepEqual(both(), seen[at]);
  }
  for (const line of renderPlan(end)) exec("sh", "-ec", line);
  assert.deepEqual(both(), before);
});

test("what somebody changes, removes or puts in its place is mended", async () => {
  await engine.apply(plan([bucket], []));
  const first = shown("v0");
  for (const [damage, action] of [
    ["tc qdisc change dev v0 root handle 706f: tbf rate 1mbit burst 2000 latency 1ms", "update"],
    ["tc qdisc delete dev v0 root", "create"],
    ["tc qdisc replace dev v0 root handle 1: tbf rate 1mbit burst 2000 latency 1ms", "update"],
    ["tc qdisc replace dev v0 root handle 1: pfifo limit 10", "update"],
  ] as const) {
    run(damage);
    const mend = plan([bucket], await engine.observe([bucket]));
    assert.deepEqual(
      mend.map((change) => change.action),
      [action],
      damage,
    );
    await engine.apply(mend);
    assert.deepEqual(shown("v0"), first, damage);
    assert.deepEqual(plan([bucket], await engine.observe([bucket])), []);
  }
});

test("others' are not touched: neither when ours is made, nor when it goes, nor when nothing of ours is wanted", async () => {
  run("tc qdisc add dev v0 root tbf rate 1mbit burst 2000 latency 1ms");
  const theirs = shown("v0");
  await assert.rejects(engine.apply(plan([bucket], [])), /tbf qdisc of link v0 in the host/);
  assert.deepEqual(await engine.observe([], [bucket]), []);
  await engine.apply(plan([], [bucket]));
  assert.deepEqual(shown("v0"), theirs);
});

test("a refusal after it takes it back, and one after its end brings it back", async () => {
  const before = shown("v0");
  const bad: KernelObject = {
    kind: "address",
    namespace: "host",
    link: "nowhere",
    address: parseInterfaceAddress("10.9.9.1/24"),
  };
  await assert.rejects(engine.apply(plan([bucket, bad], [])), { suppressed: [] });
  assert.deepEqual(shown("v0"), before);
  await engine.apply(plan([bucket], []));
  const made = shown("v0");
  await assert.rejects(engine.apply(plan([bad], [bucket])), { suppressed: [] });
  assert.deepEqual(shown("v0"), made);
});

test("what its link or its namespace took along is no error to remove", async () => {
  const inBox: Qdisc = { ...bucket, namespace: "/run/netns/box", link: "v1" };
  await engine.apply(plan([bucket, inBox], []));
  run("ip link delete v0");
  await engine.apply(plan([], [bucket, inBox]));
  run("ip netns delete box");
  await engine.apply(plan([], [inBox]));
});
