/**
 * What published ports cost: connecting a sandbox with 1, 10, 100 and 1,000 of them and with a range of 10,000, above connecting it with none, their holding
 * included, and their end; the kernel's part of the range in the firewall; and the memory of ports that are held.
 */
import { readFileSync } from "node:fs";
import type { Kernel } from "../src/kernel/kernel.ts";
import { createKernel } from "../src/kernel/linux.ts";
import { type ControllerOptions, createController } from "../src/model/controller.ts";
import type { NetworkController } from "../src/model/types.ts";
import { createEngine } from "../src/state/create-engine.ts";
import { temporaryDirectory } from "../test/support/test-host.ts";
import { enterBenchHost, startDaemon } from "./host.ts";
import { type Figure, median, report, residentMegabytes, timed } from "./measure.ts";

enterBenchHost({ packages: ["iproute2"] });

const rounds = 40;
const warmUp = 10;
const rangeSize = 10_000;
const range = ["20000-29999:20000-29999"];

/** So many ports of their own, none with the number that it has inside. */
const single = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${8000 + at}:${80 + at}`);

const wishes = [
  { name: "no port", publish: [] },
  { name: "1 port", publish: single(1) },
  { name: "10 ports", publish: single(10) },
  { name: "100 ports", publish: single(100), bar: 6 },
  { name: "1,000 ports", publish: single(1000) },
  { name: "a range of 10,000", publish: range, bar: 300 },
] as const;

async function withController(options: ControllerOptions, work: (controller: NetworkController) => Promise<void>) {
  using directory = temporaryDirectory();
  await using controller = await createController({ stateDir: directory.path, runDir: "/run/portolan", ...options });
  const network = await controller.createNetwork({ name: "bench" });
  await work(controller);
  await network.delete();
}

/** Connects a new sandbox and disconnects it again; what `measured` makes of each. */
async function turn<Result>(
  controller: NetworkController,
  publish: readonly string[],
  measured: (work: () => Promise<unknown>) => Promise<Result>,
): Promise<readonly [Result, Result]> {
  const sandbox = await controller.createSandbox({ name: "web" });
  await controller.settle();
  const connecting = await measured(() => controller.connect(controller.network("bench"), sandbox, { publish }));
  const [endpoint] = sandbox.info().endpoints;
  const disconnecting = await measured(async () => {
    if (endpoint !== undefined) await controller.disconnect(controller.endpoint(endpoint.id));
  });
  await sandbox.delete();
  await controller.settle();
  return [connecting, disconnecting];
}

/** All wishes in turn, as users of the library meet them. */
async function times(): Promise<readonly Figure[]> {
  const all = wishes.map((wish) => ({ ...wish, connecting: [] as number[], disconnecting: [] as number[] }));
  await withController({}, async (controller) => {
    for (let round = 0; round < rounds + warmUp; round++) {
      for (const { publish, connecting, disconnecting } of all) {
        const [on, off] = await turn(controller, publish, timed);
        if (round < warmUp) continue;
        connecting.push(on);
        disconnecting.push(off);
      }
    }
  });
  const [none, ...others] = all;
  if (none === undefined) return [];
  return others.flatMap((wish): readonly Figure[] => {
    const bar = "bar" in wish ? wish.bar : undefined;
    const [on, off] = [median(wish.connecting), median(wish.disconnecting)];
    const [noneOn, noneOff] = [median(none.connecting), median(none.disconnecting)];
    const judged = (above: number) => (bar === undefined ? {} : { bar: `≤ ${bar} ms`, met: above <= bar });
    const figure = (what: string, above: number): Figure => ({ what, ours: above, unit: "ms", ...judged(above) });
    return [
      figure(`connecting with ${wish.name}, above ${none.name}`, on - noneOn),
      figure(`disconnecting ${wish.name}, above ${none.name}`, off - noneOff),
    ];
  });
}

/** A kernel that notes how long each transaction of the firewall takes, milliseconds. */
function timing(kernel: Kernel, transactions: number[]): Kernel {
  return {
    ...kernel,
    send(namespace, family, messages) {
      const start = performance.now();
      const refusals = kernel.send(namespace, family, messages);
      if (family === "netfilter") transactions.push(performance.now() - start);
      return refusals;
    },
  };
}

/** The kernel's part of the range in the firewall. */
async function transactionTimes(): Promise<readonly Figure[]> {
  const transactions: number[] = [];
  const sum = async (work: () => Promise<unknown>): Promise<number> => {
    transactions.length = 0;
    await work();
    return transactions.reduce((all, one) => all + one, 0);
  };
  const turns: (readonly [number, number])[] = [];
  await withController({ engine: createEngine(timing(createKernel(), transactions)) }, async (controller) => {
    for (let round = 0; round < rounds + warmUp; round++) turns.push(await turn(controller, range, sum));
  });
  const [on, off] = [0, 1].map((at) => median(turns.slice(warmUp).map((one) => one[at] ?? Number.NaN)));
  return [
    {
      what: "nft transaction that publishes a range of 10,000",
      ours: on ?? 0,
      unit: "ms",
      bar: "≤ 2 ms",
      met: (on ?? 3) <= 2,
    },
    { what: "nft transaction that ends it", ours: off ?? 0, unit: "ms", bar: "≤ 2 ms", met: (off ?? 3) <= 2 },
  ];
}

/** What the kernel keeps of a socket that is bound (slabinfo(5)): itself, inode, file, directory entry and port. */
const caches = new Set(["TCPv6", "sock_inode_cache", "filp", "dentry", "tcp_bind_bucket", "tcp_bind2_bucket"]);

/** Bytes of them that are in use on the machine. */
function socketMemory(): number {
  const lines = readFileSync("/proc/slabinfo", "utf8").split("\n");
  return lines
    .map((line) => line.split(/\s+/))
    .reduce((sum, [name = "", active, , size]) => (caches.has(name) ? sum + Number(active) * Number(size) : sum), 0);
}

/** Memory of a daemon, and of the kernel, for each port of the range. */
async function memory(): Promise<readonly Figure[]> {
  await using daemon = await startDaemon();
  const { client, pid } = daemon;
  const used = () => [residentMegabytes(pid) * 1024, socketMemory() / 1024] as const;
  await client.createNetwork({ name: "bench" });
  for (const name of ["first", "web"]) await client.createSandbox({ name });
  // What a daemon takes for its first ports is not what each costs.
  await client.connect("bench", "first", { publish: ["10000-10999:10000-10999"] });
  const before = used();
  await client.connect("bench", "web", { publish: range });
  const after = used();
  for (const name of ["first", "web"]) await client.deleteSandbox(name);
  await client.deleteNetwork("bench");
  const [resident, kernel] = [(after[0] - before[0]) / rangeSize, (after[1] - before[1]) / rangeSize];
  const bar = "≤ 2 KiB";
  return [
    {
      what: "resident memory of the daemon for a held port",
      ours: resident,
      unit: "KiB",
      bar,
      met: resident <= 2,
    },
    { what: "memory of the kernel for its socket", ours: kernel, unit: "KiB", bar, met: kernel <= 2 },
  ];
}

report([...(await times()), ...(await transactionTimes()), ...(await memory())]);
