/**
 * macvlan: attaching through the daemon's socket, against the reference CNI plugin (with host-local) started as a runtime starts it, and traffic between two
 * containers of a network, against two links of the same mode made by hand. All links stand on one parent.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addressOf } from "../src/address/cidr.ts";
import { run, temporaryDirectory } from "../test/support/test-host.ts";
import { enterBenchHost, startDaemon } from "./host.ts";
import { median, report, timed } from "./measure.ts";
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

/** Runs the macvlan plugin as a runtime does; its answer. Throws where it fails. */
function plugin(command: "ADD" | "DEL", namespace: string, id: string, previous?: unknown): unknown {
  const { status, stdout, stderr } = spawnSync(join(plugins, "macvlan"), {
    input: JSON.stringify({ ...configuration, ...(previous !== undefined && { prevResult: previous }) }),
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_NETNS: namespace,
      CNI_IFNAME: "eth0",
      CNI_PATH: plugins,
    },
  });
  if (status !== 0) throw new Error(`the macvlan plugin's ${command} failed: ${stdout}${stderr}`);
  return stdout === "" ? undefined : JSON.parse(stdout);
}

await using daemon = await startDaemon();
const { client } = daemon;
await client.createNetwork({
  name: "bench",
  driver: "macvlan",
  options: { parent: "parent0", macvlan_mode: "bridge" },
  ipam: { pools: [{ subnet: "10.60.0.0/16" }] },
});
const ours = { attach: [] as number[], detach: [] as number[] };
const theirs = { attach: [] as number[], detach: [] as number[] };
for (let round = 0; round < warmUp; round++) {
  await client.createSandbox({ name: "box" });
  await client.disconnect((await client.connect("bench", "box")).id);
  await client.deleteSandbox("box");
}
for (let round = 0; round < rounds.attach; round++) {
  await sleep(quiet);
  await client.createSandbox({ name: "box" });
  let id = "";
  const attach = await timed(async () => {
    id = (await client.connect("bench", "box")).id;
  });
  ours.attach.push(attach);
  ours.detach.push(await timed(() => client.disconnect(id)));
  await client.deleteSandbox("box");

  await sleep(quiet);
  run("ip netns add peer");
  let previous: unknown;
  const add = await timed(() => {
    previous = plugin("ADD", "/run/netns/peer", `round${round}`);
  });
  theirs.attach.push(add);
  theirs.detach.push(await timed(() => plugin("DEL", "/run/netns/peer", `round${round}`, previous)));
  run("ip netns delete peer");
}
const [attach, add] = [median(ours.attach), median(theirs.attach)];
report([
  {
    what: "attach an endpoint through the daemon's socket",
    ours: attach,
    unit: "ms",
    other: { name: "CNI macvlan + host-local: ADD", value: add },
    bar: "8 × faster",
    met: add >= 8 * attach,
  },
  {
    what: "detach it",
    ours: median(ours.detach),
    unit: "ms",
    other: { name: "CNI macvlan + host-local: DEL", value: median(theirs.detach) },
  },
]);

/** Two containers on the parent: the namespace that answers and its address, and the one that asks. */
interface Pair {
  readonly server: string;
  readonly address: string;
  readonly caller: string;
}

/** Two containers of the network. */
async function connected(): Promise<Pair> {
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

const pairs = { ours: await connected(), theirs: made() };
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
