/** Waits until processes listen on their ports, by what the kernel shows of a process's network namespace (/proc/PID/net/tcp). */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { PortolanError } from "../errors.ts";
import { isRunning, type ProcessRecord, tailOf } from "./process.ts";

/** TCP_LISTEN (net/tcp_states.h), as the file shows it. */
const listenState = "0A";
/** 127.0.0.11 there, in the machine's byte order: the sandbox's resolver, which is none of its processes. */
const resolverAddress = "0B00007F";

/** Ports with a listening TCP socket of either family in the network namespace of a process, but for its resolver's; none where it has ended. */
export function listeningPorts(pid: number): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const family of ["tcp", "tcp6"]) {
    for (const line of readLines(`/proc/${pid}/net/${family}`).slice(1)) {
      const [, local = "", , state] = line.trim().split(/\s+/);
      const [address, port = ""] = local.split(":");
      if (state === listenState && address !== resolverAddress) ports.add(Number.parseInt(port, 16));
    }
  }
  return ports;
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}

/** How long processes may take until they listen, milliseconds. */
const patience = 15_000;

/** Waits until every port of a sandbox is listened on; throws `invalid-argument` where a process ends or takes too long. */
export async function waitForPorts(
  sandbox: string,
  processes: readonly ProcessRecord[],
  ports: readonly number[],
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    const ended = processes.find((process) => !isRunning(process));
    const [first] = processes;
    const there = first && !ended ? listeningPorts(first.pid) : new Set<number>();
    const lacking = ports.filter((port) => !there.has(port));
    if (lacking.length === 0) return;
    if (first === undefined || ended !== undefined || Date.now() > deadline) {
      throw notListening(sandbox, lacking, processes, ended);
    }
    await sleep(10, undefined, signal ? { signal } : {});
  }
}

function notListening(
  sandbox: string,
  lacking: readonly number[],
  processes: readonly ProcessRecord[],
  ended: ProcessRecord | undefined,
): PortolanError {
  const why = ended
    ? `process ${ended.index + 1} (${ended.spec.command.join(" ")}) has ended`
    : processes.length === 0
      ? "it runs no process"
      : `nobody does so after ${patience / 1000} s`;
  const output = processes
    .map(({ log }) => tailOf(log))
    .filter((text) => text !== "")
    .join("\n");
  return new PortolanError(
    "invalid-argument",
    `sandbox "${sandbox}" does not listen on port ${lacking.join(", ")}: ${why}`,
    {
      object: `sandbox "${sandbox}"`,
      ...(output !== "" && { reason: output }),
      advice: "see that its `run:` stays in the foreground and listens on the ports of `listen:`",
    },
  );
}
