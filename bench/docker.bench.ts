/**
 * Networks, attachments and published ports through the daemon's socket, beside a real dockerd through its own: both in one loop, in turn, by connections that are
 * kept. Both attach something that runs and keep their records on the same disk. Where times are taken dockerd starts no process for each port (--userland-proxy=false), which is
 * quicker than what most of its users have.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { noDocker, startDockerHost } from "../test/support/docker/host.ts";
import { run, temporaryDirectory } from "../test/support/test-host.ts";
import { enterBenchHost, startDaemon } from "./host.ts";
import { type Figure, median, report, timed } from "./measure.ts";

enterBenchHost({
  packages: ["docker.io", "containerd", "runc", "iptables", "iproute2", "nftables", "busybox-static"],
  programs: ["nft"],
  unless: noDocker,
});

const rounds = 20;
/** dockerd takes seconds for a hundred ports. */
const portRounds = 3;
/** A daemon serves for months; what it does in its first second is not what its users meet. */
const warmUp = 200;
/** The kernel takes namespaces and links apart in the background, holding locks that both sides need: milliseconds until it is done. */
const quiet = 60;

await using daemon = await startDaemon();
using dataRoot = temporaryDirectory();
await using dockerHost = await startDockerHost({ dataRoot: dataRoot.path, flags: ["--userland-proxy=false"] });
const { client } = daemon;
const { docker } = dockerHost;

await client.createNetwork({ name: "front" });
await client.createNetwork({ name: "back" });
const { namespace } = await client.createSandbox({ name: "box" });
const inside = spawn("nsenter", [`--net=${namespace}`, "sleep", "infinity"], { stdio: "ignore" });
const insideEnded = once(inside, "exit");
await client.connect("front", "box");

await docker.createNetwork("front");
await docker.createNetwork("back");
const container = await docker.createContainer({ name: "running", network: "front" });
await docker.start(container);

for (let round = 0; round < warmUp; round++) {
  await client.disconnect((await client.connect("back", "box", { publish: published(round % 10) })).id);
  await client.createNetwork({ name: "warm" });
  await client.deleteNetwork("warm");
}

/** What `count` ports, from 20001 of the host to 1001 inside on, are for us; they are a map element each, since the numbers differ. */
function published(count: number): readonly string[] {
  return count === 0 ? [] : [`20001-${20000 + count}:1001-${1000 + count}`];
}

/** The same for dockerd, as its command line spells a range out. */
const bindings = (count: number): Readonly<Record<string, number>> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${1001 + i}/tcp`, 20001 + i]));

/** Milliseconds that something and its undoing took, by round. */
interface Times {
  readonly make: number[];
  readonly undo: number[];
}

const times = (): Times => ({ make: [], undo: [] });

/** Takes the time of something, then of its undoing. */
async function take<T>({ make, undo }: Times, work: () => Promise<T>, back: (made: T) => Promise<unknown>): Promise<T> {
  await sleep(quiet);
  const start = performance.now();
  const made = await work();
  make.push(performance.now() - start);
  undo.push(await timed(() => back(made)));
  return made;
}

const connectOurs = (into: Times, ports: number): Promise<unknown> =>
  take(
    into,
    () => client.connect("back", "box", { publish: published(ports) }),
    ({ id }) => client.disconnect(id),
  );

/** A container is created before its time is taken: what is measured is its start, which is when its networks are made. */
async function startTheirs(into: Times, ports: number): Promise<void> {
  const id = await docker.createContainer({ name: `ports${ports}`, network: "front", publish: bindings(ports) });
  await take(
    into,
    () => docker.start(id),
    () => docker.stop(id),
  );
  await docker.remove(id);
}

const networks = { ours: times(), theirs: times() };
const attachments = { ours: times(), theirs: times() };
for (let round = 0; round < rounds; round++) {
  await take(
    networks.ours,
    () => client.createNetwork({ name: "made" }),
    () => client.deleteNetwork("made"),
  );
  await take(
    networks.theirs,
    () => docker.createNetwork("made"),
    () => docker.removeNetwork("made"),
  );
  await connectOurs(attachments.ours, 0);
  await take(
    attachments.theirs,
    () => docker.connect("back", container),
    () => docker.disconnect("back", container),
  );
}

const ports = [0, 100].map((count) => ({ count, ours: times(), theirs: times() }));
for (let round = 0; round < portRounds; round++) {
  for (const { count, ours, theirs } of ports) {
    for (let again = 0; again < 10; again++) await connectOurs(ours, count);
    await startTheirs(theirs, count);
  }
}

/** What ports cost on top of a start, or an end, without any: milliseconds. */
function added(side: "ours" | "theirs", what: keyof Times): number {
  const [none, some] = ports.map((times) => median(times[side][what]));
  return (some ?? Number.NaN) - (none ?? Number.NaN);
}

const figure = (what: string, ours: number, name: string, theirs: number, bar?: number): Figure => ({
  what,
  ours,
  unit: "ms",
  other: { name, value: theirs },
  ...(bar !== undefined && { bar: `≥ ${bar} × faster`, met: theirs >= bar * ours }),
});

report([
  figure("create a network", median(networks.ours.make), "dockerd", median(networks.theirs.make), 20),
  figure("remove it", median(networks.ours.undo), "dockerd", median(networks.theirs.undo), 20),
  figure("connect something that runs", median(attachments.ours.make), "dockerd", median(attachments.theirs.make), 10),
  figure("disconnect it", median(attachments.ours.undo), "dockerd", median(attachments.theirs.undo)),
  figure("100 published ports more", added("ours", "make"), "dockerd, start", added("theirs", "make"), 300),
  figure("without them again", added("ours", "undo"), "dockerd, stop", added("theirs", "undo")),
]);

// A thousand ports, once: dockerd takes minutes.
const thousand = { ours: times(), theirs: times() };
for (let round = 0; round < 5; round++) await connectOurs(thousand.ours, 1000);
const rules = { ours: 0, theirs: 0 };
const endpoint = await client.connect("back", "box", { publish: published(1000) });
rules.ours = run("nft -j list ruleset").match(/\{"rule":/g)?.length ?? 0;
await client.disconnect(endpoint.id);
const id = await docker.createContainer({ name: "thousand", network: "front", publish: bindings(1000) });
await take(
  thousand.theirs,
  () => docker.start(id),
  async () => {
    rules.theirs = dockerHost.exec("iptables-save").match(/^-A/gm)?.length ?? 0;
    await docker.stop(id);
  },
);

report([
  figure(
    "connect with 1,000 published ports",
    median(thousand.ours.make),
    "dockerd, start",
    median(thousand.theirs.make),
  ),
  figure("disconnect with them", median(thousand.ours.undo), "dockerd, stop", median(thousand.theirs.undo)),
  {
    what: "rules with 1,000 published ports",
    ours: rules.ours,
    unit: "rules",
    other: { name: "dockerd", value: rules.theirs },
  },
]);

inside.kill("SIGKILL");
await insideEnded;
