/**
 * What an engine weighs that publishes a hundred ports of one container, beside dockerd as it comes: its processes, and their memory. Of memory that several share
 * each has its part (Pss of proc_pid_smaps_rollup(5)).
 */
import { readdirSync, readFileSync } from "node:fs";
import { noDocker, startDockerHost } from "../test/support/docker/host.ts";
import { exec } from "../test/support/test-host.ts";
import { enterBenchHost, startDaemon } from "./host.ts";
import { report } from "./measure.ts";

enterBenchHost({
  packages: ["docker.io", "containerd", "runc", "iptables", "iproute2", "busybox-static"],
  unless: noDocker,
});

const count = 100;
await using daemon = await startDaemon();
await using dockerHost = await startDockerHost();
const { client } = daemon;
const { docker } = dockerHost;

await client.createNetwork({ name: "bench" });
await client.createSandbox({ name: "box" });
await client.connect("bench", "box", { publish: [`20001-${20000 + count}:1001-${1000 + count}`] });

await docker.createNetwork("bench");
const ports = Array.from({ length: count }, (_, i) => [`${1001 + i}/tcp`, 20001 + i] as const);
await docker.start(await docker.createContainer({ name: "box", network: "bench", publish: Object.fromEntries(ports) }));

/** A process, and those that it and they have started. */
function processTree(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}

/** dockerd's own programs: what its container runs does not count. */
const theirPrograms = ["dockerd", "containerd", "containerd-shim", "docker-proxy"];
const theirPids = dockerHost
  .exec("ps", "-e", "-o", "pid=,comm=")
  .split("\n")
  .map((line) => line.trim().split(/ +/))
  .flatMap(([pid = "", name = ""]) => (theirPrograms.includes(name) ? [pid] : []));

const rollup = (pid: number | string): string => `/proc/${pid}/smaps_rollup`;
const shares = (smaps: string): readonly number[] =>
  [...smaps.matchAll(/^Pss: +(\d+) kB$/gm)].map(([, kilobytes]) => Number(kilobytes) / 1024);
const total = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0);
const ours = shares(exec("cat", ...processTree(daemon.pid).map(rollup)));
const theirs = shares(dockerHost.exec("cat", ...theirPids.map(rollup)));

report([
  {
    what: `processes of an engine that publishes ${count} ports`,
    ours: ours.length,
    unit: "processes",
    other: { name: "dockerd as it comes", value: theirs.length },
  },
  { what: "their memory", ours: total(ours), unit: "MB", other: { name: "dockerd as it comes", value: total(theirs) } },
]);
