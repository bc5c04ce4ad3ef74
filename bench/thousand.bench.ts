/** A thousand sandboxes with an endpoint each through a daemon: whether the last are as quick as the first, what the daemon's memory is, and their end. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../test/support/test-host.ts";
import { enterBenchHost, startDaemon } from "./host.ts";
import { median, report, residentMegabytes, timed } from "./measure.ts";

enterBenchHost({ packages: ["iproute2"] });

const count = 1000;
const window = 100;
/** Links and namespaces of sandboxes that are there. */
const leftOver = (): number => {
  const links = run("ip -o link")
    .split("\n")
    .filter((line) => /: (veth|~)/.test(line)).length;
  const mounts = readFileSync("/proc/thread-self/mountinfo", "utf8").split("\n");
  return links + mounts.filter((line) => line.includes(" /run/portolan/netns/")).length;
};

await using daemon = await startDaemon();
const { client } = daemon;
await client.createNetwork({ name: "bench", ipam: { pools: [{ subnet: "10.60.0.0/16" }] } });
const times: number[] = [];
for (let i = 0; i < count; i++) {
  times.push(
    await timed(async () => {
      await client.createSandbox({ name: `s${i}` });
      await client.connect("bench", `s${i}`);
    }),
  );
}
const [first, last] = [median(times.slice(0, window)), median(times.slice(-window))];
// What the last ones took is given back some seconds after them (src/tidy.ts).
await sleep(8000);
const memory = residentMegabytes(daemon.pid);
const ends: number[] = [];
for (let i = 0; i < count; i++) ends.push(await timed(() => client.deleteSandbox(`s${i}`)));
await sleep(5000);
const left = leftOver();
report([
  {
    what: `sandbox and endpoint, the last ${window} of ${count}`,
    ours: last,
    unit: "ms",
    other: { name: `the first ${window}`, value: first },
    bar: "≤ 1.2 × the first",
    met: last <= 1.2 * first,
  },
  {
    what: "removing a sandbox with its endpoint, median as the caller sees it",
    ours: median(ends),
    unit: "ms",
    bar: "≤ 3 ms",
    met: median(ends) <= 3,
  },
  {
    what: "removing a sandbox with its endpoint, mean",
    ours: ends.reduce((sum, one) => sum + one, 0) / count,
    unit: "ms",
    bar: "≤ 3 ms",
    met: ends.reduce((sum, one) => sum + one, 0) / count <= 3,
  },
  { what: "links and namespaces left 5 s later", ours: left, unit: "links", bar: "0", met: left === 0 },
  {
    what: `resident memory of the daemon with ${count} sandboxes, at rest`,
    ours: memory,
    unit: "MB",
    bar: "≤ 120 MB",
    met: memory <= 120,
  },
]);
await client.deleteNetwork("bench");
