/**
 * What a daemon does by itself, and how long it takes: mending a flushed ruleset, with one sandbox and with 1,000 that publish 10,000 ports, starting
 * again after it was killed, and answering names in all of them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Client, connectClient } from "../src/api/client.ts";
import { answeredAfter } from "../test/support/names-back.ts";
import { enterTestHost, run } from "../test/support/test-host.ts";
import { median, report, timed } from "./measure.ts";

enterTestHost();

const sandboxes = 1000;
const portsEach = 10;
/** How often it is killed, to be asked for names. */
const kills = 3;
/** The daemon loses its patience with the fifth. */
const flushes = 4;
const program = join(import.meta.dirname, "../bin/portolan");
const stateDir = mkdtempSync(join(tmpdir(), "portolan-bench-"));
const socket = "/run/portolan/portolan.sock";

interface Starting {
  readonly daemon: ChildProcess;
  /** Its first line says that it listens. */
  readonly listens: Promise<unknown>;
}

function beginDaemon(): Starting {
  const daemon = spawn(program, ["daemon", "--state-dir", stateDir], { stdio: ["ignore", "ignore", "pipe"] });
  return { daemon, listens: once(createInterface({ input: daemon.stderr }), "line") };
}

async function startDaemon(): Promise<ChildProcess> {
  const { daemon, listens } = beginDaemon();
  await listens;
  return daemon;
}

async function kill(daemon: ChildProcess): Promise<void> {
  const ended = once(daemon, "exit");
  daemon.kill("SIGKILL");
  await ended;
}

/** Milliseconds from the flush to the event that tells of its mending, the tool's own time included. */
async function mended(client: Client): Promise<number> {
  const end = new AbortController();
  const events = client.events({ signal: end.signal })[Symbol.asyncIterator]();
  const times: number[] = [];
  let next = events.next();
  // The stream has begun when the daemon has answered something else.
  await client.info();
  for (let i = 0; i < flushes; i++) {
    times.push(
      await timed(async () => {
        run("nft flush ruleset");
        while ((await next).value?.action !== "heal") next = events.next();
      }),
    );
    next = events.next();
  }
  end.abort();
  await next.catch(() => undefined);
  return median(times);
}

/** Milliseconds from the beginning of a new daemon until the last sandbox has an answer to a name. */
async function namesBack(namespaces: readonly string[]): Promise<number> {
  await kill(daemon);
  const begin = performance.now();
  const starting = beginDaemon();
  daemon = starting.daemon;
  const before = performance.now() - begin;
  const times = answeredAfter({ namespaces, name: "s", patience: 10_000 });
  if (times.length < namespaces.length) throw new Error(`${namespaces.length - times.length} sandboxes have no names`);
  await starting.listens;
  return before + (times.at(-1) ?? 0);
}

let daemon = await startDaemon();
try {
  let small: number;
  const namespaces: string[] = [];
  {
    await using client = await connectClient(socket);
    await client.createNetwork({ name: "bench", ipam: { pools: [{ subnet: "10.60.0.0/16" }] } });
    await client.createSandbox({ name: "s" });
    await client.connect("bench", "s");
    small = await mended(client);
    for (let i = 0; i < sandboxes; i++) {
      namespaces.push((await client.createSandbox({ name: `s${i}` })).namespace);
      const first = 10_000 + i * portsEach;
      await client.connect("bench", `s${i}`, { publish: [`${first}-${first + portsEach - 1}:80-${79 + portsEach}`] });
    }
  }
  await kill(daemon);
  const start = await timed(async () => {
    daemon = await startDaemon();
  });
  const back: number[] = [];
  for (let i = 0; i < kills; i++) back.push(await namesBack(namespaces));
  await using client = await connectClient(socket);
  const large = await mended(client);
  await kill(daemon);
  run("nft flush ruleset");
  const mendingStart = await timed(async () => {
    daemon = await startDaemon();
  });
  report([
    { what: "flushed ruleset mended, 1 sandbox", ours: small, unit: "ms", bar: "≤ 1,000 ms", met: small <= 1000 },
    {
      what: `flushed ruleset mended, ${sandboxes} sandboxes, ${sandboxes * portsEach} published ports`,
      ours: large,
      unit: "ms",
      bar: "≤ 1,000 ms",
      met: large <= 1000,
    },
    {
      what: `start of the daemon with the same, after SIGKILL`,
      ours: start,
      unit: "ms",
      bar: "≤ 2,000 ms",
      met: start <= 2000,
    },
    {
      what: `names answer in all of them again, after SIGKILL, from the start of the new one (median of ${kills})`,
      ours: median(back),
      unit: "ms",
      bar: "≤ 1,000 ms",
      met: median(back) <= 1000,
    },
    {
      what: "start with the ruleset flushed meanwhile",
      ours: mendingStart,
      unit: "ms",
      bar: "≤ 2,000 ms",
      met: mendingStart <= 2000,
    },
  ]);
} finally {
  await kill(daemon);
  rmSync(stateDir, { recursive: true, force: true });
}
