/**
 * macvlan: attaching by the library and through the daemon's socket, against the reference CNI plugin (with host-local) started as a runtime starts it, and traffic
 * between two containers of a network, against two links of the same mode made by hand. All links stand on one parent.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addressOf } from "../src/address/cidr.ts";
import { createController } from "../src/model/controller.ts";
import type { Endpoint, Sandbox } from "../src/model/types.ts";
import { run, temporaryDirectory } from "../test/support/test-host.ts";
import { enterBenchHost, startDaemon } from "./host.ts";
import { median, report, timed } from "./measure.ts";
import { spawnPlugin } from "./plugin/spawned.ts";
import { rate, serve, serveStreams, throughput, type Way } from "./traffic.ts";

const plugins = "/usr/lib/cni";
enterBenchHost({
  packages: ["iproute2", "containernetworking-plugins", "iperf3", "perl-base"],
  programs: ["iperf3", "perl"],
  unless: () => !existsSync(join(plugins, "macvlan")) && "the package containernetworking-plugins is not installed",
});

const rounds = { attach: 60, traffic: 9 };
/** A daemon serves for months; what it does in its first second is not what its users meet. */
const warmUp = 300;
/** The kernel takes namespaces apart in the background, holding locks that both sides need: milliseconds until it is done. */
const quiet = 60;
const ports = { echo: 7000, stream: 5201 };
using directory = temporaryDirectory();

run("ip link add parent0 type veth peer name wire0");
run("ip link set parent0 up");
run("ip link set wire0 up");

const configuration = {
  cniVersion: "1.0.0",
  name: "benchnet",
  type: "macvlan",
  master: "parent0",
  mode: "bridge",
  ipam: {
    type: "host-local",
    dataDir: join(directory.path, "ipam"),
    ranges: [[{ subnet: "10.99.0.0/16" }]],
    routes: [{ dst: "0.0.0.0/0" }],
  },
};

const plugin = (command: "ADD" | "DEL", namespace: string, id: string, previous?: unknown): unknown =>
  spawnPlugin(join(plugins, "macvlan"), configuration, command, { namespace, id, previous });

const theirName = (command: string): string => `CNI macvlan + host-local: ${command}`;
const network = {
  name: "bench",
  driver: "macvlan",
  options: { parent: "parent0", macvlan_mode: "bridge" },
  ipam: { pools: [{ subnet: "10.60.0.0/16" }] },
} as const;

/** One way to attach and detach a container. */
interface Side {
  readonly prepare: () => Promise<void>;
  readonly attach: () => Promise<void>;
  readonly detach: () => Promise<void>;
  readonly clear: () => Promise<void>;
}

let previous: unknown;
let plugged = 0;
const theirs: Side = {
  prepare: async () => void run("ip netns add peer"),
  attach: async () => {
    previous = plugin("ADD", "/run/netns/peer", `round${++plugged}`);
  },
  detach: async () => void plugin("DEL", "/run/netns/peer", `round${plugged}`, previous),
  clear: async () => void run("ip netns delete peer"),
};

/** Medians of attaching and detaching, each side in turn, milliseconds. */
async function compare(
  ours: Side,
): Promise<{ readonly attach: readonly number[]; readonly detach: readonly number[] }> {
  const sides = [ours, theirs].map((side) => ({ side, attach: [] as number[], detach: [] as number[] }));
  for (let round = 0; round < warmUp; round++) {
    await ours.prepare();
    await ours.attach();
    await ours.detach();
    await ours.clear();
  }
  for (let round = 0; round < rounds.attach; round++) {
    for (const { side, attach, detach } of sides) {
      await side.prepare();
      await sleep(quiet);
      attach.push(await timed(side.attach));
      detach.push(await timed(side.detach));
      await side.clear();
    }
  }
  return { attach: sides.map(({ attach }) => median(attach)), detach: sides.map(({ detach }) => median(detach)) };
}

function tell(way: string, { attach, detach }: Awaited<ReturnType<typeof compare>>): void {
  const [ours = 0, plugins = 0] = attach;
  const [oursGone = 0, pluginsGone = 0] = detach;
  report([
    {
      what: `attach an endpoint ${way}`,
      ours,
      unit: "ms",
      other: { name: theirName("ADD"), value: plugins },
      bar: "8 × faster",
      met: plugins >= 8 * ours,
    },
    { what: `detach it ${way}`, ours: oursGone, unit: "ms", other: { name: theirName("DEL"), value: pluginsGone } },
  ]);
}

async function byLibrary(): Promise<void> {
  await using controller = await createController({
    stateDir: join(directory.path, "library"),
    runDir: "/run/library",
  });
  const created = await controller.createNetwork(network);
  let sandbox: Sandbox | undefined;
  let endpoint: Endpoint | undefined;
  const measured = await compare({
    prepare: async () => {
      sandbox = await controller.createSandbox({ name: "box" });
      await controller.settle();
    },
    attach: async () => {
      if (sandbox !== undefined) endpoint = await controller.connect(created, sandbox);
    },
    detach: async () => {
      if (endpoint !== undefined) await controller.disconnect(endpoint);
    },
    clear: async () => {
      await sandbox?.delete();
      await controller.settle();
    },
  });
  await created.delete();
  tell("by the library", measured);
}
await byLibrary();

await using daemon = await startDaemon();
const { client } = daemon;
await client.createNetwork(network);
let connected = "";
tell(
  "through the daemon's socket",
  await compare({
    prepare: async () => void (await client.createSandbox({ name: "box" })),
    attach: async () => {
      connected = (await client.connect("bench", "box")).id;
    },
    detach: () => client.disconnect(connected),
    clear: () => client.deleteSandbox("box"),
  }),
);

/** Two containers on the parent: the namespace that answers and its address, and the one that asks. */
interface Pair {
  readonly server: string;
  readonly address: string;
  readonly caller: string;
}

/** Two containers of the network. */
async function connectedPair(): Promise<Pair> {
  const [server, caller] = [
    await client.createSandbox({ name: "server" }),
    await client.createSandbox({ name: "caller" }),
  ];
  const { ipv4 } = await client.connect("bench", "server");
  await client.connect("bench", "caller");
  if (ipv4 === undefined) throw new Error("the server has no address");
  return { server: server.namespace, address: addressOf(ipv4), caller: caller.namespace };
}

/** Two namespaces with a link each, as `ip` makes them. */
function made(): Pair {
  for (const [name, address] of [
    ["byhand1", "10.61.0.1"],
    ["byhand2", "10.61.0.2"],
  ]) {
    run(`ip netns add ${name}`);
    run(`ip link add link parent0 name eth0 netns ${name} type macvlan mode bridge`);
    run(`ip -n ${name} link set lo up`);
    run(`ip -n ${name} address add ${address}/24 dev eth0`);
    run(`ip -n ${name} link set eth0 up`);
  }
  return { server: "/run/netns/byhand1", address: "10.61.0.1", caller: "/run/netns/byhand2" };
}

const pairs = { ours: await connectedPair(), theirs: made() };
await using servers = new AsyncDisposableStack();
for (const { server } of Object.values(pairs)) {
  servers.use(await serve(server, ports.echo));
  servers.use(await serveStreams(server, ports.stream));
}
const way = ({ caller, address }: Pair, port: number): Way => ({ from: caller, address, port });
const streams = { ours: [] as number[], theirs: [] as number[] };
const requests = { ours: [] as number[], theirs: [] as number[] };
for (let round = 0; round < rounds.traffic; round++) {
  // Each is first in turn.
  for (const side of round % 2 === 0 ? (["ours", "theirs"] as const) : (["theirs", "ours"] as const)) {
    streams[side].push(await throughput(way(pairs[side], ports.stream)));
    requests[side].push(await rate("udp", way(pairs[side], ports.echo)));
  }
}
const byHand = (values: readonly number[]): { name: string; value: number } => ({
  name: "links made by hand",
  value: median(values),
});
report([
  {
    what: "one TCP stream between two containers",
    ours: median(streams.ours),
    unit: "Gbit/s",
    other: byHand(streams.theirs),
    bar: "within 2 %",
    met: median(streams.ours) >= 0.98 * median(streams.theirs),
  },
  {
    what: "requests over UDP between them",
    ours: median(requests.ours),
    unit: "requests/s",
    other: byHand(requests.theirs),
  },
]);
for (const name of ["server", "caller"]) await client.deleteSandbox(name);
await client.deleteNetwork("bench");
