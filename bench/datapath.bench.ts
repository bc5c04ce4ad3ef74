/**
 * What a packet pays on its way, beside dockerd's bridge in the same run: between two containers of a network, and from a machine outside through a published port. The machine outside has
 * a link to our host and one to dockerd's. What the host itself asks by ::1 goes through our proxy, and on the other side through a process of docker's for each port.
 * At the end both publish a thousand ports, and the last is asked.
 * Requests of 64 bytes and connections are made one after the other.
 */
import { addressOf } from "../src/address/cidr.ts";
import { noDocker, startDockerHost } from "../test/support/docker/host.ts";
import { run } from "../test/support/test-host.ts";
import { enterBenchHost, startDaemon } from "./host.ts";
import { type Figure, median, report, type Unit } from "./measure.ts";
import { rate, serve, serveAsDocker, serveStreams, throughput, type Way } from "./traffic.ts";

enterBenchHost({
  packages: ["docker.io", "containerd", "runc", "iptables", "iproute2", "busybox-static", "iperf3", "perl-base"],
  programs: ["iperf3", "perl"],
  unless: noDocker,
});

const rounds = 5;
const outside = "/run/netns/outside";
const ports = { echo: 7000, close: 7001, stream: 5201 };

await using daemon = await startDaemon();
await using dockerHost = await startDockerHost({ flags: ["--userland-proxy=false"] });
const { client } = daemon;
const { docker } = dockerHost;

run("ip netns add outside");
run("ip -n outside link set lo up");
run("ip link add ours type veth peer name ours netns outside");
run("ip address add 192.0.2.1/24 dev ours");
run("ip link set ours up");
run(`ip -n outside link add theirs type veth peer name theirs netns ${dockerHost.namespace}`);
dockerHost.exec("ip", "address", "add", "198.51.100.1/24", "dev", "theirs");
dockerHost.exec("ip", "link", "set", "theirs", "up");
for (const [name, address] of [
  ["ours", "192.0.2.2"],
  ["theirs", "198.51.100.2"],
] as const) {
  run(`ip -n outside address add ${address}/24 dev ${name}`);
  run(`ip -n outside link set ${name} up`);
}

/** One engine's two containers on a network, the first with its ports published as they are. */
interface Side {
  /** Namespace of the first, its address, and the host's address outside. */
  readonly server: string;
  readonly address: string;
  readonly host: string;
  /** Namespace of the second. */
  readonly caller: string;
  /** Namespace of the host. */
  readonly home: string;
}

async function oursWith(name: string, ...publish: readonly string[]): Promise<Pick<Side, "server" | "address">> {
  const { namespace } = await client.createSandbox({ name });
  const { ipv4 } = await client.connect("bench", name, { publish });
  if (ipv4 === undefined) throw new Error(`${name} has no address`);
  return { server: namespace, address: addressOf(ipv4) };
}

async function theirsWith(
  name: string,
  publish: Readonly<Record<string, number>>,
): Promise<Pick<Side, "server" | "address">> {
  await docker.start(await docker.createContainer({ name, network: "bench", publish }));
  const { addresses } = await docker.inspect(name);
  return { server: await dockerHost.namespaceOf(name), address: addresses["bench"] ?? "" };
}

await client.createNetwork({ name: "bench" });
await docker.createNetwork("bench");
const published = Object.values(ports);
const ours: Side = {
  ...(await oursWith("server", ...published.map((port) => `${port}:${port}`), `${ports.echo}:${ports.echo}/udp`)),
  caller: (await oursWith("caller")).server,
  host: "192.0.2.1",
  home: `/proc/${process.pid}/ns/net`,
};
const theirs: Side = {
  ...(await theirsWith("server", {
    ...Object.fromEntries(published.map((port) => [`${port}/tcp`, port])),
    [`${ports.echo}/udp`]: ports.echo,
  })),
  caller: (await theirsWith("caller", {})).server,
  host: "198.51.100.1",
  home: dockerHost.namespace,
};
await using servers = new AsyncDisposableStack();
for (const { server } of [ours, theirs]) {
  servers.use(await serve(server, ports.echo));
  servers.use(await serveStreams(server, ports.stream));
}

for (const [protocol, port] of [
  ["tcp", ports.stream],
  ["tcp", ports.echo],
  ["udp", ports.echo],
] as const) {
  servers.use(await serveAsDocker(theirs.home, protocol, theirs.address, port));
}

/** From a container to the other by its address, and from outside by the host's. */
const ways = {
  "between containers": ({ caller, address }: Side, port: number): Way => ({ from: caller, address, port }),
  "through a published port": ({ host }: Side, port: number): Way => ({ from: outside, address: host, port }),
};

interface Measurement {
  readonly what: string;
  readonly unit: Unit;
  readonly take: (side: Side) => Promise<number>;
  readonly ours: number[];
  readonly theirs: number[];
}

const measurement = (what: string, unit: Unit, take: Measurement["take"]): Measurement => ({
  what,
  unit,
  take,
  ours: [],
  theirs: [],
});

const measurements = Object.entries(ways).flatMap(([along, way]): readonly Measurement[] => [
  measurement(`one TCP stream ${along}`, "Gbit/s", (side) => throughput(way(side, ports.stream))),
  measurement(`requests over TCP ${along}`, "requests/s", (side) => rate("tcp", way(side, ports.echo))),
  measurement(`requests over UDP ${along}`, "requests/s", (side) => rate("udp", way(side, ports.echo))),
  measurement(`new TCP connections ${along}`, "connections/s", (side) => rate("connections", way(side, ports.close))),
]);

const byLoopback = ({ home }: Side, port: number): Way => ({ from: home, address: "::1", port });
const proxied: readonly Measurement[] = [
  measurement("one TCP stream by ::1, proxied", "Gbit/s", (side) => throughput(byLoopback(side, ports.stream))),
  measurement("requests over TCP by ::1, proxied", "requests/s", (side) => rate("tcp", byLoopback(side, ports.echo))),
  measurement("requests over UDP by ::1, proxied", "requests/s", (side) => rate("udp", byLoopback(side, ports.echo))),
];

/** Takes a measurement on both sides, each first in turn. */
async function takeBoth({ take, ...taken }: Measurement, round: number): Promise<void> {
  for (const side of round % 2 === 0 ? (["ours", "theirs"] as const) : (["theirs", "ours"] as const))
    taken[side].push(await take(side === "ours" ? ours : theirs));
}

const figure = ({ what, unit, ...taken }: Measurement, name = "dockerd"): Figure => ({
  what,
  ours: median(taken.ours),
  unit,
  other: { name, value: median(taken.theirs) },
});

for (let round = 0; round < rounds; round++)
  for (const one of [...measurements, ...proxied]) await takeBoth(one, round);
report([...measurements.map((one) => figure(one)), ...proxied.map((one) => figure(one, "docker-proxy"))]);

// A thousand more each; dockerd takes most of a minute for them, and is not asked to take them away.
const [first, last] = [20001, 21000];
const thousand = measurement(
  "new TCP connections through the last of 1,000 published ports",
  "connections/s",
  ({ host }) => rate("connections", { from: outside, address: host, port: last }),
);
const bindings = Array.from({ length: last - first + 1 }, (_, i) => [`${1001 + i}/tcp`, first + i] as const);
for (const { server } of [
  await oursWith("thousand", `${first}-${last}:1001-2000`),
  await theirsWith("thousand", Object.fromEntries(bindings)),
]) {
  servers.use(await serve(server, 2000 - 1));
}
for (let round = 0; round < rounds; round++) await takeBoth(thousand, round);
report([figure(thousand)]);
