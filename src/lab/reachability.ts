/**
 * Who reaches whom: measured by real TCP connections from inside each sandbox to every listening port of every other one, by every
 * address it has, and compared with what the topology expects.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { extname, join } from "node:path";
import { text } from "node:stream/consumers";
import { addressOf } from "../address/cidr.ts";
import { PortolanError } from "../errors.ts";
import type { SandboxInfo } from "../model/types.ts";
import type { ProbeOutcome, ProbeTarget } from "./probe.ts";
import { inNamespace } from "./surroundings.ts";
import type { Topology } from "./topology.ts";

/** One connection that was tried. */
export interface Attempt extends ProbeTarget {
  /** `connected`, or the reason why not. */
  readonly outcome: ProbeOutcome;
}

/** What one sandbox reaches of another. */
export interface Reach {
  readonly from: string;
  readonly to: string;
  /** Whether every port answers by an address of the family; absent where not both have one. */
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
  /** `yes`: by every family they both have; `no`: not one connection; else `partly`. */
  readonly measured: "yes" | "no" | "partly";
  /** What the file expects, if it does. */
  readonly expected?: "yes" | "no";
  readonly attempts: readonly Attempt[];
}

/** The pairs whose measure is not what is expected. */
export function mismatches(matrix: readonly Reach[]): readonly Reach[] {
  return matrix.filter(({ expected, measured }) => expected !== undefined && expected !== measured);
}

interface Pair {
  readonly from: SandboxInfo;
  readonly to: SandboxInfo;
  readonly ports: readonly number[];
  readonly targets: readonly ProbeTarget[];
}

const addressesOf = (sandbox: SandboxInfo, family: "ipv4" | "ipv6"): readonly string[] =>
  sandbox.endpoints.flatMap((endpoint) => {
    const address = endpoint[family];
    return address === undefined ? [] : [addressOf(address)];
  });

/** Every sandbox with every other one that listens, in the order of the file. */
function pairsOf(topology: Topology, sandboxes: readonly SandboxInfo[]): readonly Pair[] {
  const there = topology.sandboxes.flatMap((spec) => {
    const info = sandboxes.find(({ name }) => name === spec.name);
    return info ? [{ spec, info }] : [];
  });
  return there.flatMap(({ info: from }) =>
    there
      .filter(({ spec, info }) => info !== from && spec.listen.length > 0)
      .map(({ spec, info: to }) => {
        const addresses = [...addressesOf(to, "ipv4"), ...addressesOf(to, "ipv6")];
        const targets = spec.listen.flatMap((port) => addresses.map((address) => ({ address, port })));
        return { from, to, ports: spec.listen, targets };
      }),
  );
}

/** Judges the attempts of one pair. */
export function judge(pair: Pair, attempts: readonly Attempt[]): Omit<Reach, "expected"> {
  const connected = (attempt: Attempt): boolean => attempt.outcome === "connected";
  const byFamily = (family: "ipv4" | "ipv6"): boolean | undefined => {
    if (addressesOf(pair.from, family).length === 0) return undefined;
    const addresses = addressesOf(pair.to, family);
    if (addresses.length === 0) return undefined;
    const ofFamily = attempts.filter(({ address }) => addresses.includes(address));
    return pair.ports.every((port) => ofFamily.some((attempt) => attempt.port === port && connected(attempt)));
  };
  const [ipv4, ipv6] = [byFamily("ipv4"), byFamily("ipv6")];
  const answers = [ipv4, ipv6].filter((answer) => answer !== undefined);
  const all = answers.length > 0 && answers.every((answer) => answer);
  return {
    from: pair.from.name,
    to: pair.to.name,
    ...(ipv4 !== undefined && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
    measured: all ? "yes" : attempts.some(connected) ? "partly" : "no",
    attempts,
  };
}

/**
 * Measures the whole matrix; `namespaceOf` gives the path by which this process reaches a sandbox's namespace. Throws `internal` where a
 * probe cannot run.
 */
export async function measureReachability(
  topology: Topology,
  sandboxes: readonly SandboxInfo[],
  namespaceOf: (sandbox: SandboxInfo) => string,
): Promise<readonly Reach[]> {
  const pairs = pairsOf(topology, sandboxes);
  const sources = [...new Set(pairs.map(({ from }) => from))];
  const outcomes = new Map<Pair, readonly Attempt[]>();
  const probeAll = async (): Promise<void> => {
    for (let from = sources.shift(); from !== undefined; from = sources.shift()) {
      const own = pairs.filter((pair) => pair.from === from);
      const results = await probe(
        namespaceOf(from),
        own.flatMap(({ targets }) => targets),
      );
      let at = 0;
      for (const pair of own) {
        const attempts = pair.targets.map((target) => ({ ...target, outcome: results[at++] ?? "not tried" }));
        outcomes.set(pair, attempts);
      }
    }
  };
  // A probe waits most of its time, so there are more of them than processors.
  await Promise.all(Array.from({ length: 4 * availableParallelism() }, probeAll));
  return pairs.map((pair) => {
    const expectation = topology.expectations.find(({ from, to }) => from === pair.from.name && to === pair.to.name);
    const expected = expectation && { expected: expectation.reachable ? ("yes" as const) : ("no" as const) };
    const { attempts, ...verdict } = judge(pair, outcomes.get(pair) ?? []);
    return { ...verdict, ...expected, attempts };
  });
}

/** The probe program beside this file: source or built. */
const probeProgram = join(import.meta.dirname, `probe${extname(import.meta.filename)}`);

/** Tries connections from inside a namespace; outcomes in the order of the targets. */
async function probe(namespace: string, targets: readonly ProbeTarget[]): Promise<readonly ProbeOutcome[]> {
  const child = inNamespace(namespace, () =>
    spawn(process.execPath, [probeProgram], { stdio: ["pipe", "pipe", "pipe"] }),
  );
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  });
  child.stdin.on("error", () => {}); // a probe that ends early says why on standard error
  child.stdin.end(JSON.stringify(targets));
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  try {
    return JSON.parse(output);
  } catch (cause) {
    throw new PortolanError("internal", `the probe in ${namespace} gave no answer`, {
      object: namespace,
      reason: complaint.trim() || `it ended with ${child.exitCode ?? child.signalCode}`,
      cause,
    });
  }
}
