/**
 * Attaching through the daemon's socket, against the reference CNI plugins (bridge with ipMasq and host-local) started as a runtime starts them: a process
 * for each attachment. Both sides attach to a namespace that is there already, in turn.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run, temporaryDirectory } from "../test/support/test-host.ts";
import { enterBenchHost, startDaemon } from "./host.ts";
import { median, report, timed } from "./measure.ts";
import { spawnPlugin } from "./plugin/spawned.ts";

const plugins = "/usr/lib/cni";
enterBenchHost({
  packages: ["iproute2", "iptables", "containernetworking-plugins"],
  unless: () => !existsSync(join(plugins, "bridge")) && "the package containernetworking-plugins is not installed",
});

const rounds = 60;
/** A daemon serves for months; what it does in its first second is not what its users meet. */
const warmUp = 300;
/** The kernel takes namespaces apart in the background, holding locks that both sides need: milliseconds until it is done. */
const quiet = 60;
using directory = temporaryDirectory();

const configuration = {
  cniVersion: "1.0.0",
  name: "benchnet",
  type: "bridge",
  bridge: "cnib0",
  isGateway: true,
  ipMasq: true,
  ipam: {
    type: "host-local",
    dataDir: join(directory.path, "ipam"),
    ranges: [[{ subnet: "10.99.0.0/16" }]],
    routes: [{ dst: "0.0.0.0/0" }],
  },
};

const plugin = (command: "ADD" | "DEL", namespace: string, id: string, previous?: unknown): unknown =>
  spawnPlugin(join(plugins, "bridge"), configuration, command, { namespace, id, previous });

await using daemon = await startDaemon();
const { client } = daemon;
await client.createNetwork({ name: "bench", ipam: { pools: [{ subnet: "10.60.0.0/16" }] } });
const ours = { attach: [] as number[], detach: [] as number[] };
const theirs = { attach: [] as number[], detach: [] as number[] };
for (let round = 0; round < warmUp; round++) {
  await client.createSandbox({ name: "box" });
  await client.disconnect((await client.connect("bench", "box")).id);
  await client.deleteSandbox("box");
}
for (let round = 0; round < rounds; round++) {
  await sleep(quiet);
  await client.createSandbox({ name: "box" });
  let id = "";
  const attach = await timed(async () => {
    id = (await client.connect("bench", "box")).id;
  });
  const detach = await timed(() => client.disconnect(id));
  await client.deleteSandbox("box");

  await sleep(quiet);
  run("ip netns add peer");
  let previous: unknown;
  const add = await timed(() => {
    previous = plugin("ADD", "/run/netns/peer", `round${round}`);
  });
  const del = await timed(() => plugin("DEL", "/run/netns/peer", `round${round}`, previous));
  run("ip netns delete peer");
  ours.attach.push(attach);
  ours.detach.push(detach);
  theirs.attach.push(add);
  theirs.detach.push(del);
}
const [attach, add] = [median(ours.attach), median(theirs.attach)];
report([
  {
    what: "attach an endpoint through the daemon's socket",
    ours: attach,
    unit: "ms",
    other: { name: "CNI bridge + host-local, ipMasq: ADD", value: add },
    bar: "10 × faster",
    met: add >= 10 * attach,
  },
  {
    what: "detach it",
    ours: median(ours.detach),
    unit: "ms",
    other: { name: "CNI bridge + host-local, ipMasq: DEL", value: median(theirs.detach) },
  },
]);
await client.deleteNetwork("bench");
