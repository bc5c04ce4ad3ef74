/**
 * CNI as a runtime sees it, from starting a plugin to its end: our plugins with the daemon, and the reference ones, with the same configuration in one loop. A stopwatch
 * written in C starts both, because starting a process from Node.js takes longer than ours run.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run, temporaryDirectory } from "../test/support/test-host.ts";
import { enterBenchHost, startDaemon } from "./host.ts";
import { type Figure, median, report } from "./measure.ts";
import { attach, type Chain, compile, detach, type PluginConfiguration, Stopwatch } from "./plugin/runtime.ts";

const reference = "/usr/lib/cni";
const portolan = join(import.meta.dirname, "../bin/portolan");
const socket = "/run/portolan/portolan.sock";
enterBenchHost({
  packages: ["iproute2", "iptables", "containernetworking-plugins"],
  programs: ["cc"],
  unless: () => !existsSync(join(reference, "bridge")) && "the package containernetworking-plugins is not installed",
});

/** How many addresses are given out already. */
const levels = [0, 1_000, 10_000] as const;
/** A daemon serves for months; what it does in its first second is not what its users meet. */
const rounds = { version: 300, warmUp: 300, first: 15, attach: 25, alone: 15 };
/** The kernel takes namespaces apart in the background, holding locks that both sides need: milliseconds until it is done. */
const quiet = 60;
using directory = temporaryDirectory();
const stopwatch = new Stopwatch(directory.path);
const ours = join(directory.path, "ours");
execFileSync(portolan, ["cni", "install", "--dir", ours, "--as-reference"], { stdio: "ignore" });

type Side = "ours" | "theirs";
const both = (round: number): readonly Side[] => (round % 2 === 0 ? ["ours", "theirs"] : ["theirs", "ours"]);
const folders: Readonly<Record<Side, string>> = { ours, theirs: reference };
const subnets: Readonly<Record<Side, number>> = { ours: 98, theirs: 99 };

const ipamOf = (side: Side) => ({
  type: "host-local",
  dataDir: join(directory.path, `ipam-${side}`),
  ranges: [[{ subnet: `10.${subnets[side]}.0.0/16` }]],
  routes: [{ dst: "0.0.0.0/0" }],
});

/** A bridge with masquerading, and as many ports of the host published. */
function chainOf(side: Side, ports: number): Chain {
  const bridge: PluginConfiguration = {
    type: "bridge",
    bridge: `${side}0`,
    isGateway: true,
    ipMasq: true,
    ipam: ipamOf(side),
  };
  const first = side === "ours" ? 30_000 : 31_000;
  const portMappings = Array.from({ length: ports }, (_, at) => ({
    hostPort: first + at,
    containerPort: 80 + at,
    protocol: "tcp",
  }));
  const portmap = { type: "portmap", capabilities: { portMappings: true }, runtimeConfig: { portMappings } };
  return { folder: folders[side], network: `${side}net`, plugins: ports === 0 ? [bridge] : [bridge, portmap] };
}

/** Times of one side. */
interface Times {
  readonly add: number[];
  readonly del: number[];
}

/** Attaches a container in a namespace that is there, and detaches it, each side in turn. */
async function measure(ports: number, count: number, before?: () => void): Promise<Readonly<Record<Side, Times>>> {
  const times: Record<Side, Times> = { ours: { add: [], del: [] }, theirs: { add: [], del: [] } };
  for (let round = 0; round < count; round++) {
    for (const side of both(round)) {
      run("ip netns add peer");
      before?.();
      await sleep(quiet);
      const container = { id: `round${ports}-${round}`, namespace: "/run/netns/peer" };
      const { milliseconds, result } = attach(stopwatch, chainOf(side, ports), container);
      times[side].add.push(milliseconds);
      times[side].del.push(detach(stopwatch, chainOf(side, ports), container, result));
      run("ip netns delete peer");
    }
  }
  return times;
}

/** Reserves addresses: theirs are files, ours calls of the daemon as the plugin makes them. */
async function reserve(from: number, to: number): Promise<void> {
  const theirs = join(ipamOf("theirs").dataDir, chainOf("theirs", 0).network);
  mkdirSync(theirs, { recursive: true });
  const addressAt = (at: number): string => `10.${subnets.theirs}.${128 + (at >> 8)}.${at & 255}`;
  for (let at = from; at < to; at++) writeFileSync(join(theirs, addressAt(at)), `reserved${at}\r\neth0`);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const { network } = chainOf("ours", 0);
  const input = JSON.stringify({ cniVersion: "1.0.0", name: network, type: "bridge", ipam: ipamOf("ours") });
  const one = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const variables = [
        "CNI_COMMAND=ADD",
        `CNI_CONTAINERID=reserved${at}`,
        "CNI_NETNS=/run/netns/resident-ours",
        "CNI_IFNAME=eth0",
        `CNI_PATH=${ours}`,
      ];
      const body = `host-local\0${variables.join("\0")}\0\0${input}`;
      const headers = {
        "Content-Type": "application/vnd.portolan.cni-call",
        "Content-Length": Buffer.byteLength(body),
      };
      const sent = request(
        { socketPath: socket, path: "/portolan/v1/cni", method: "POST", agent, headers },
        (answer) => {
          answer.resume();
          answer.once("end", () =>
            answer.statusCode === 200
              ? resolve()
              : reject(new Error(`reserving ended with status ${answer.statusCode}`)),
          );
        },
      );
      sent.once("error", reject);
      sent.end(body);
    });
  for (let at = from; at < to; at += 100)
    await Promise.all(Array.from({ length: Math.min(100, to - at) }, (_, more) => one(at + more)));
  agent.destroy();
}

/** VERSION beside a program that does nothing, and beside the reference plugin's. */
function versionFigures(): readonly Figure[] {
  const source = join(directory.path, "nothing.c");
  writeFileSync(source, "int main(void) { return 0; }\n");
  const programs = {
    nothing: compile(directory.path, "nothing", source, "-static"),
    ours: join(ours, "bridge"),
    theirs: join(reference, "bridge"),
  };
  const times = { nothing: [] as number[], ours: [] as number[], theirs: [] as number[] };
  for (let round = 0; round < rounds.version; round++)
    for (const side of ["nothing", "ours", "theirs"] as const)
      times[side].push(stopwatch.run(programs[side], { CNI_COMMAND: "VERSION" }).milliseconds);
  const [floor, version] = [median(times.nothing), median(times.ours)];
  return [
    {
      what: "VERSION, spawn to exit",
      ours: version,
      unit: "ms",
      other: { name: "a static C program that does nothing", value: floor },
      bar: "at most 1.5 × as long",
      met: version <= 1.5 * floor,
    },
    {
      what: "VERSION, spawn to exit",
      ours: version,
      unit: "ms",
      other: { name: "CNI bridge", value: median(times.theirs) },
    },
  ];
}

/** One comparison with its bar. */
function compared(what: string, [mine, other]: readonly [number, number], name: string, times?: number): Figure {
  const bar = times === undefined ? {} : { bar: `${times} × faster`, met: other >= times * mine };
  return { what, ours: mine, unit: "ms", other: { name, value: other }, ...bar };
}

/** ADD without a daemon, in an engine of its own, beside the start of Node.js. */
async function aloneFigure(): Promise<Figure> {
  const folder = join(directory.path, "alone");
  const words = ["--state-dir", join(directory.path, "state"), "--run-dir", "/run/alone"];
  execFileSync(portolan, [...words, "cni", "install", "--dir", folder, "--as-reference"], { stdio: "ignore" });
  const bridge = { type: "bridge", bridge: "alone0", isGateway: true, ipMasq: true, ipam: ipamOf("ours") };
  const source = join(directory.path, "node");
  writeFileSync(source, `#!${process.execPath}\n`, { mode: 0o755 });
  const chain = { folder, network: "alonenet", plugins: [bridge] };
  const resident = { id: "resident", namespace: "/run/netns/resident" };
  run("ip netns add resident");
  const there = attach(stopwatch, chain, resident).result;
  const [add, start]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds.alone; round++) {
    run("ip netns add peer");
    await sleep(quiet);
    start.push(stopwatch.run(source, {}).milliseconds);
    const container = { id: `alone${round}`, namespace: "/run/netns/peer" };
    const { milliseconds, result } = attach(stopwatch, chain, container);
    add.push(milliseconds);
    detach(stopwatch, chain, container, result);
    run("ip netns delete peer");
  }
  detach(stopwatch, chain, resident, there);
  const [mine, node] = [median(add), median(start)];
  return {
    what: "bridge with ipMasq: ADD without a daemon",
    ours: mine,
    unit: "ms",
    other: { name: "node's own start", value: node },
    bar: "at most 3 × as long",
    met: mine <= 3 * node,
  };
}

report(versionFigures());
// Before there is a daemon, and gone again: a host has one engine.
report([await aloneFigure()]);
await using daemon = await startDaemon();
if (daemon.pid === 0) throw new Error("there is no daemon");
for (let round = 0; round < rounds.warmUp; round++) {
  run("ip netns add peer");
  const container = { id: `warm${round}`, namespace: "/run/netns/peer" };
  detach(stopwatch, chainOf("ours", 10), container, attach(stopwatch, chainOf("ours", 10), container).result);
  run("ip netns delete peer");
}
const pair = (times: Readonly<Record<Side, Times>>, command: keyof Times): readonly [number, number] => [
  median(times.ours[command]),
  median(times.theirs[command]),
];
// The reference plugin leaves its bridge behind; ours goes with the last container.
const first = await measure(0, rounds.first, () => {
  if (existsSync("/sys/class/net/theirs0")) run("ip link delete theirs0");
});
report([
  compared("bridge with ipMasq: ADD of a network's first container", pair(first, "add"), "the reference plugins"),
  compared("bridge with ipMasq: DEL of its last", pair(first, "del"), "the reference plugins"),
]);

// A container that stays, as on any host that has some.
for (const side of ["ours", "theirs"] as const) {
  run(`ip netns add resident-${side}`);
  attach(stopwatch, chainOf(side, 0), { id: "resident", namespace: `/run/netns/resident-${side}` });
}
const add = new Map<string, number>();
for (const [at, level] of levels.entries()) {
  await reserve(levels[at - 1] ?? 0, level);
  for (const [ports, bars] of [
    [0, { add: 8, del: 8 }],
    [10, { add: 40, del: 8 }],
  ] as const) {
    const times = await measure(ports, rounds.attach);
    const chain = ports === 0 ? "bridge with ipMasq" : `bridge with ipMasq, portmap with ${ports} ports`;
    const where = level === 0 ? "" : `, ${level.toLocaleString("en")} addresses reserved`;
    report([
      compared(`${chain}: ADD${where}`, pair(times, "add"), "the reference plugins", bars.add),
      compared(`${chain}: DEL${where}`, pair(times, "del"), "the reference plugins", bars.del),
    ]);
    add.set(`${ports} ${level}`, pair(times, "add")[0]);
  }
}
for (const ports of [0, 10]) {
  const [none = Number.NaN, many = Number.NaN] = [add.get(`${ports} 0`), add.get(`${ports} ${levels.at(-1)}`)];
  report([
    {
      what: `ADD with 10,000 addresses reserved, ${ports} ports`,
      ours: many,
      unit: "ms",
      other: { name: "ours with none reserved", value: none },
      bar: "flat: within 20 %",
      met: many <= 1.2 * none,
    },
  ]);
}
