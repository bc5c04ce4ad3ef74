/** Names: queries a second and the slowest hundredth, beside dockerd's resolver and aardvark-dns; what a sandbox weighs; a thousand of them at once. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createKernel } from "../src/kernel/linux.ts";
import { setLink } from "../src/kernel/netlink/route/link.ts";
import { noDocker } from "../test/support/docker/host.ts";
import { floodNames } from "../test/support/names-flood.ts";
import { enterBenchHost } from "./host.ts";
import { type Figure, median, report } from "./measure.ts";
import { measureRate, measureSlowest } from "./names/dnsperf.ts";
import { type Peer, startAardvark, startDocker, startOurs } from "./names/peers.ts";

enterBenchHost({
  packages: [
    "iproute2",
    "util-linux",
    "dnsperf",
    "aardvark-dns",
    "docker.io",
    "containerd",
    "runc",
    "iptables",
    "busybox-static",
  ],
  programs: ["dnsperf"],
  unless: noDocker,
});

const rounds = 5;
const seconds = 2;
const sandboxes = 1000;

interface Kind {
  readonly what: string;
  questions(peer: Peer): readonly string[];
  /** How many times dockerd's rate ours has to be. */
  readonly bar: number;
  /** Queries a second at which the slowest are compared: below what each of them can do. */
  readonly rate: number;
}

const others = Array.from({ length: 1000 }, (_, i) => `x${i}.example.test A`);

const kinds: readonly Kind[] = [
  { what: "container names", questions: ({ names }) => names.map((name) => `${name} A`), bar: 1.2, rate: 10_000 },
  { what: "reverse names", questions: ({ reverse }) => reverse.map((name) => `${name} PTR`), bar: 1.2, rate: 10_000 },
  { what: "forwarded names", questions: ({ forwards }) => (forwards ? others : []), bar: 2, rate: 3000 },
];

await using ours = await startOurs();
await using docker = await startDocker();
await using aardvark = await startAardvark();
const peers: readonly Peer[] = [ours, docker, aardvark];
const figures: Figure[] = [];

for (const { what, questions, bar, rate } of kinds) {
  for (const outstanding of [20, 100]) {
    const asked = peers.filter((peer) => questions(peer).length > 0);
    const rates = new Map(asked.map((peer) => [peer, [] as number[]]));
    const slowest = new Map(asked.map((peer) => [peer, [] as number[]]));
    for (let round = 0; round < rounds; round++) {
      for (const peer of asked) {
        const { namespace, server } = peer;
        const load = { namespace, server, questions: questions(peer), outstanding };
        const { perSecond, lost } = await measureRate(load, seconds);
        if (peer === ours && lost > 0) throw new Error(`${what}: ${lost} queries were lost`);
        rates.get(peer)?.push(perSecond);
        slowest.get(peer)?.push(measureSlowest(load, seconds, rate));
      }
    }
    const of = (values: Map<Peer, number[]>, peer: Peer): number => median(values.get(peer) ?? []);
    for (const peer of asked.slice(1)) {
      const isBar = peer === docker;
      const [our, their] = [of(rates, ours), of(rates, peer)];
      const [ourSlowest, theirSlowest] = [of(slowest, ours), of(slowest, peer)];
      figures.push(
        {
          what: `${what}, ${outstanding} outstanding`,
          ours: our,
          unit: "queries/s",
          other: { name: peer.name, value: their },
          ...(isBar && { bar: `≥ ${bar} × dockerd's`, met: our >= bar * their }),
        },
        {
          what: `${what}, ${outstanding} outstanding: p99 at ${rate} queries/s`,
          ours: ourSlowest,
          unit: "ms",
          other: { name: peer.name, value: theirSlowest },
          ...(isBar && { bar: "no worse", met: ourSlowest <= theirSlowest }),
        },
      );
    }
  }
}

/** Kilobytes of this process, and of the kernel's own objects. */
function kilobytes(): { readonly resident: number; readonly slab: number } {
  const of = (file: string, field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(file, "utf8"))?.[1]);
  return { resident: of("/proc/self/status", "VmRSS"), slab: of("/proc/meminfo", "Slab") };
}

const kernel = createKernel();
const namespaces = Array.from({ length: sandboxes }, (_, i) => `/run/names/many-${i}` as const);
for (const namespace of namespaces) {
  kernel.createNamespace(namespace);
  kernel.send(namespace, "route", [setLink({ name: "lo" }, { up: true })]);
}
await sleep(2000);
const before = kilobytes();
for (const namespace of namespaces) {
  await ours.resolver.setSandbox({
    id: namespace,
    namespace,
    networks: ["n1"],
    links: {},
    extraHosts: {},
    nameservers: [],
  });
}
const after = kilobytes();
const weight = (after.resident - before.resident + after.slab - before.slab) / sandboxes;
const names = ours.names.map((name) => [name, "A"] as const);
const { sent, answered, took } = floodNames({ namespaces, questions: [...names, ...names], patience: 5000 });
for (const namespace of namespaces) {
  await ours.resolver.removeSandbox(namespace);
  kernel.dropNamespace(namespace);
}
kernel.close();

figures.push(
  {
    what: `memory of a sandbox's resolver, of ${sandboxes} (process and kernel)`,
    ours: weight,
    unit: "KiB",
    bar: "≤ 100 KiB",
    met: weight <= 100,
  },
  {
    what: `${sandboxes} sandboxes ask ${names.length * 2} names each at once: queries lost`,
    ours: sent - answered,
    unit: "queries",
    bar: "0",
    met: sent === answered,
  },
  { what: "and answered at", ours: (answered / took) * 1000, unit: "queries/s" },
);
report(figures);
