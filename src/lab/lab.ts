/**
 * Topologies as a whole: up, down, diff and ps. The command line prints what these give back; nothing here prints.
 */
import { existsSync } from "node:fs";
import { PortolanError } from "../errors.ts";
import type { NetworkInfo, SandboxInfo } from "../model/types.ts";
import type { LabClient } from "./client.ts";
import { type Difference, differences, type Existing, topologyLabel } from "./differences.ts";
import { holdingLab, type LabPaths, type LabRecord, labPaths, readLab, removeLab, writeLab } from "./directory.ts";
import { startIsolatedHost, stopIsolatedHost } from "./isolated.ts";
import { listeningPorts, waitForPorts } from "./listening.ts";
import { isRunning, type ProcessRecord, stopProcesses } from "./process.ts";
import { measureReachability, mismatches, type Reach } from "./reachability.ts";
import { type StepContext, takeSteps } from "./steps.ts";
import { type Surroundings, surroundingsOf } from "./surroundings.ts";
import type { Topology } from "./topology.ts";

/** What the lab stands on. */
export interface LabOptions {
  /** The machine's run directory, `/run/portolan`. */
  readonly runDirectory: string;
  /** Opens a client of the daemon on a socket, or where there is none of the machine's own engine. */
  connect(socket?: string): Promise<LabClient>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface UpOptions extends LabOptions {
  /** In a throw-away host of its own, instead of on the machine. */
  readonly isolated?: boolean;
  /** The command line that runs `portolan` itself: program and first arguments. An isolated host's daemon is started with it. */
  readonly program: readonly string[];
}

/** What `up` and `down` are at. */
export type Progress =
  | { readonly phase: "host" }
  | { readonly phase: "step"; readonly difference: Difference }
  | { readonly phase: "listening"; readonly sandbox: string; readonly ports: readonly number[] }
  | { readonly phase: "measuring"; readonly sandboxes: number };

/** A process as it is now. */
export interface ProcessStatus {
  readonly sandbox: string;
  readonly pid: number;
  readonly command: readonly string[];
  readonly running: boolean;
  readonly log: string;
}

/** A topology as it is now. */
export interface LabStatus {
  readonly name: string;
  readonly file: string;
  readonly isolated: boolean;
  /** The daemon of an isolated host. */
  readonly daemon?: { readonly pid: number; readonly running: boolean; readonly socket: string };
  readonly networks: readonly NetworkInfo[];
  readonly sandboxes: readonly (SandboxInfo & { readonly listening: readonly number[] })[];
  readonly processes: readonly ProcessStatus[];
}

export interface UpResult {
  readonly status: LabStatus;
  /** What was changed; nothing where all was as the file says. */
  readonly changes: readonly Difference[];
  readonly reachability: readonly Reach[];
  /** Pairs that are not as expected: with one of these the command fails. */
  readonly mismatches: readonly Reach[];
}

export interface DiffResult {
  readonly name: string;
  readonly isolated: boolean;
  readonly differences: readonly Difference[];
}

/** Makes what exists equal to the topology; a failure leaves what was there before. Throws `in-use` where it is up on the other kind of host. */
export function up(topology: Topology, options: UpOptions): Promise<UpResult> {
  const paths = labPaths(options.runDirectory, topology.name);
  return holdingLab(paths, async () => {
    const before = await usableLab(topology, paths, options);
    const lab = before ?? (await newLab(topology, paths, options));
    try {
      return await upIn(lab, topology, paths, options);
    } catch (error) {
      if (before === undefined) await endLab(lab, paths);
      throw error;
    }
  });
}

/** The lab that is there already; undefined where there is none, or only the remains of one whose host is gone. */
async function usableLab(topology: Topology, paths: LabPaths, options: UpOptions): Promise<LabRecord | undefined> {
  const lab = readLab(paths);
  if (lab?.daemon && !isRunning(lab.daemon)) {
    await endLab(lab, paths);
    return undefined;
  }
  if (lab && (lab.daemon !== undefined) !== (options.isolated ?? false)) {
    const [there, flag] = lab.daemon ? ["in an isolated host", "with"] : ["on the machine itself", "without"];
    throw new PortolanError("in-use", `topology "${topology.name}" is up ${there}`, {
      object: `topology "${topology.name}"`,
      advice: `bring it up ${flag} --isolated, or take it down first`,
    });
  }
  return lab;
}

async function newLab({ name, file }: Topology, paths: LabPaths, options: UpOptions): Promise<LabRecord> {
  if (existsSync(paths.directory)) removeLab(paths); // of an up that was killed before it had a record
  const fresh = { name, file, processes: [] };
  if (!options.isolated) return fresh;
  options.onProgress?.({ phase: "host" });
  try {
    const daemon = await startIsolatedHost(paths, options.program, options.signal);
    writeLab(paths, { ...fresh, daemon });
    return { ...fresh, daemon };
  } catch (error) {
    removeLab(paths);
    throw error;
  }
}

/** Ends what a lab consists of outside the engine: processes, daemon, directory. */
async function endLab(lab: LabRecord, paths: LabPaths): Promise<void> {
  await stopProcesses((readLab(paths) ?? lab).processes);
  if (lab.daemon) await stopIsolatedHost(lab.daemon);
  removeLab(paths);
}

const openClient = (lab: LabRecord | undefined, paths: LabPaths, options: LabOptions): Promise<LabClient> =>
  options.connect(lab?.daemon ? paths.socket : undefined);

const surroundings =
  (lab: LabRecord) =>
  (sandbox: SandboxInfo): Surroundings =>
    surroundingsOf(sandbox, lab.daemon?.pid);

async function upIn(lab: LabRecord, topology: Topology, paths: LabPaths, options: UpOptions): Promise<UpResult> {
  await using client = await openClient(lab, paths, options);
  const changes = differences(topology, await existing(client, lab, topology.name));
  const record = (processes: readonly ProcessRecord[]): LabRecord => ({ ...lab, file: topology.file, processes });
  const context: StepContext = {
    topology: topology.name,
    client,
    logs: paths.logs,
    surroundingsOf: surroundings(lab),
    remember: (processes) => writeLab(paths, record(processes)),
    ...(options.signal && { signal: options.signal }),
    onStep: (difference) => options.onProgress?.({ phase: "step", difference }),
  };
  context.remember(lab.processes);
  const processes = await takeSteps(changes, lab.processes, context, (started) =>
    everybodyListening(topology, started, options),
  );
  const sandboxes = await client.sandboxes(ofTopology(topology.name));
  options.onProgress?.({ phase: "measuring", sandboxes: sandboxes.length });
  const reachability = await measureReachability(topology, sandboxes, (one) => surroundings(lab)(one).namespace);
  const status = await statusOf(client, record(processes), paths);
  return { status, changes, reachability, mismatches: mismatches(reachability) };
}

async function everybodyListening(
  topology: Topology,
  processes: readonly ProcessRecord[],
  { onProgress, signal }: UpOptions,
): Promise<void> {
  const waiting = topology.sandboxes.filter(({ listen }) => listen.length > 0);
  await Promise.all(
    waiting.map(async ({ name, listen }) => {
      await waitForPorts(
        name,
        processes.filter(({ sandbox }) => sandbox === name),
        listen,
        signal,
      );
      onProgress?.({ phase: "listening", sandbox: name, ports: listen });
    }),
  );
}

const ofTopology = (name: string) => ({ label: [`${topologyLabel}=${name}`] });

async function existing(client: LabClient, lab: LabRecord | undefined, name: string): Promise<Existing> {
  const [networks, sandboxes] = await Promise.all([
    client.networks(ofTopology(name)),
    client.sandboxes(ofTopology(name)),
  ]);
  const processes = lab?.processes ?? [];
  return { networks, sandboxes, processes: processes.map((record) => ({ ...record, running: isRunning(record) })) };
}

async function statusOf(client: LabClient, lab: LabRecord, paths: LabPaths): Promise<LabStatus> {
  const { networks, sandboxes, processes } = await existing(client, lab, lab.name);
  return {
    name: lab.name,
    file: lab.file,
    isolated: lab.daemon !== undefined,
    ...(lab.daemon && { daemon: { pid: lab.daemon.pid, running: isRunning(lab.daemon), socket: paths.socket } }),
    networks,
    sandboxes: sandboxes.map((sandbox) => {
      const first = processes.find((process) => process.running && process.sandbox === sandbox.name);
      return { ...sandbox, listening: first ? [...listeningPorts(first.pid)].sort((a, b) => a - b) : [] };
    }),
    processes: processes.map(({ sandbox, pid, spec, running, log }) => ({
      sandbox,
      pid,
      command: spec.command,
      running,
      log,
    })),
  };
}

/** What `up` would change, in order. On the machine itself where the topology is not up. */
export async function diff(topology: Topology, options: LabOptions): Promise<DiffResult> {
  const paths = labPaths(options.runDirectory, topology.name);
  const lab = readLab(paths);
  const isolated = lab?.daemon !== undefined;
  const nothing: Existing = { networks: [], sandboxes: [], processes: [] };
  if (lab?.daemon && !isRunning(lab.daemon)) {
    return { name: topology.name, isolated, differences: differences(topology, nothing) };
  }
  await using client = await openClient(lab, paths, options);
  return {
    name: topology.name,
    isolated,
    differences: differences(topology, await existing(client, lab, topology.name)),
  };
}

/** A topology as it is now; throws `not-found` where it is not up. */
export async function ps(name: string, options: LabOptions): Promise<LabStatus> {
  const paths = labPaths(options.runDirectory, name);
  const lab = readLab(paths);
  if (lab === undefined) throw notUp(name);
  if (lab.daemon && !isRunning(lab.daemon)) return deadStatus(lab, lab.daemon.pid, paths);
  await using client = await openClient(lab, paths, options);
  return await statusOf(client, lab, paths);
}

/** What is left of a topology whose isolated host is gone. */
function deadStatus(lab: LabRecord, pid: number, paths: LabPaths): LabStatus {
  const processes = lab.processes.map((record) => ({
    sandbox: record.sandbox,
    pid: record.pid,
    command: record.spec.command,
    running: isRunning(record),
    log: record.log,
  }));
  const daemon = { pid, running: false, socket: paths.socket };
  return { name: lab.name, file: lab.file, isolated: true, daemon, networks: [], sandboxes: [], processes };
}

function notUp(name: string): PortolanError {
  return new PortolanError("not-found", `topology "${name}" is not up`, {
    object: `topology "${name}"`,
    advice: "bring it up with `portolan up FILE`",
  });
}

/** What `down` took away. */
export interface DownResult {
  readonly name: string;
  readonly isolated: boolean;
  readonly networks: readonly string[];
  readonly sandboxes: readonly string[];
  readonly processes: readonly number[];
}

/** Takes a topology down: processes, sandboxes, networks, and the host where it has one of its own. Throws `not-found` where there is nothing. */
export function down(name: string, options: LabOptions): Promise<DownResult> {
  const paths = labPaths(options.runDirectory, name);
  return holdingLab(paths, async () => {
    const lab = readLab(paths);
    const isolated = lab?.daemon !== undefined;
    const processes = lab?.processes.filter(isRunning).map(({ pid }) => pid) ?? [];
    await stopProcesses(lab?.processes ?? []);
    const gone = lab?.daemon && !isRunning(lab.daemon) ? noNames : await takeDown(name, lab, paths, options);
    if (lab === undefined && gone.networks.length + gone.sandboxes.length === 0) throw notUp(name);
    if (lab) await endLab(lab, paths);
    return { name, isolated, ...gone, processes };
  });
}

const noNames = { networks: [], sandboxes: [] } as const;

async function takeDown(
  name: string,
  lab: LabRecord | undefined,
  paths: LabPaths,
  options: LabOptions,
): Promise<Pick<DownResult, "networks" | "sandboxes">> {
  await using client = await openClient(lab, paths, options);
  const { networks, sandboxes } = await existing(client, lab, name);
  const empty: Topology = { name, file: "", networks: [], sandboxes: [], expectations: [] };
  for (const difference of differences(empty, { networks, sandboxes, processes: [] })) {
    options.onProgress?.({ phase: "step", difference });
    // A sandbox takes its endpoints along.
    if (difference.step === "delete-sandbox") await client.deleteSandbox(difference.sandbox.id);
    if (difference.step === "delete-network") await client.deleteNetwork(difference.network.id);
  }
  return { networks: networks.map((network) => network.name), sandboxes: sandboxes.map((sandbox) => sandbox.name) };
}
