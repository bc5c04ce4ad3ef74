/** Takes the steps from what exists to what the file says. Every step leaves behind how it is taken back; a failure takes all back, newest first. */
import { join } from "node:path";
import { isPortolanError, PortolanError } from "../errors.ts";
import type { SandboxInfo } from "../model/types.ts";
import type { LabClient } from "./client.ts";
import { type Difference, topologyLabel } from "./differences.ts";
import { type ProcessRecord, startProcess, stopProcesses } from "./process.ts";
import { endpointSpec, endpointSpecOf, networkSpec, networkSpecOf, sandboxSpec, sandboxSpecOf } from "./requests.ts";
import type { Surroundings } from "./surroundings.ts";

/** Where steps are taken. */
export interface StepContext {
  readonly topology: string;
  readonly client: LabClient;
  /** Directory for the output of processes. */
  readonly logs: string;
  /** Where a sandbox's processes are started. */
  surroundingsOf(sandbox: SandboxInfo): Surroundings;
  /** Remembers the processes there are now. */
  remember(processes: readonly ProcessRecord[]): void;
  readonly signal?: AbortSignal;
  readonly onStep?: (difference: Difference) => void;
}

type Undo = () => Promise<void>;

/** The processes of a topology while it changes. */
class Processes {
  #list: readonly ProcessRecord[];
  readonly #context: StepContext;

  constructor(context: StepContext, list: readonly ProcessRecord[]) {
    this.#context = context;
    this.#list = list;
  }

  async start(sandbox: string, index: number, spec: ProcessRecord["spec"]): Promise<ProcessRecord> {
    const surroundings = this.#context.surroundingsOf(await sandboxNamed(this.#context, sandbox));
    const log = join(this.#context.logs, `${sandbox}.${index + 1}.log`);
    const record = await startProcess(surroundings, spec, { sandbox, index, log });
    this.#set([...this.#list.filter((other) => other.sandbox !== sandbox || other.index !== index), record]);
    return record;
  }

  async stop(record: ProcessRecord): Promise<void> {
    await stopProcesses([record]);
    this.#set(this.#list.filter((other) => other.pid !== record.pid));
  }

  #set(list: readonly ProcessRecord[]): void {
    this.#list = list;
    this.#context.remember(list);
  }

  get list(): readonly ProcessRecord[] {
    return this.#list;
  }
}

async function sandboxNamed({ client, topology }: StepContext, name: string): Promise<SandboxInfo> {
  const sandboxes = await client.sandboxes({ label: [`${topologyLabel}=${topology}`] });
  const found = sandboxes.find((sandbox) => sandbox.name === name);
  if (found) return found;
  throw new PortolanError("not-found", `sandbox "${name}" of topology "${topology}" is gone`, {
    object: `sandbox "${name}"`,
  });
}

/** Takes one step; returns how it is taken back. */
async function take(difference: Difference, context: StepContext, processes: Processes): Promise<Undo> {
  const { client, topology } = context;
  switch (difference.step) {
    case "stop": {
      const { process } = difference;
      await processes.stop(process);
      return async () => void (await processes.start(process.sandbox, process.index, process.spec));
    }
    case "start": {
      const record = await processes.start(difference.sandbox, difference.index, difference.process);
      return () => processes.stop(record);
    }
    case "disconnect": {
      const { endpoint, sandbox } = difference;
      await client.disconnect(endpoint.id);
      return async () => {
        const again = (addresses: "with-addresses" | "any-addresses") =>
          client.connect(endpoint.network.name, sandbox, endpointSpecOf(endpoint, addresses));
        await again("with-addresses").catch((error: unknown) => {
          if (!isPortolanError(error)) throw error;
          return again("any-addresses");
        });
      };
    }
    case "connect": {
      const { attachment, sandbox } = difference;
      const endpoint = await client.connect(attachment.network, sandbox, endpointSpec(attachment));
      return () => client.disconnect(endpoint.id);
    }
    case "delete-sandbox":
      await client.deleteSandbox(difference.sandbox.id);
      return async () => void (await client.createSandbox(sandboxSpecOf(difference.sandbox)));
    case "delete-network":
      await client.deleteNetwork(difference.network.id);
      return async () => void (await client.createNetwork(networkSpecOf(difference.network)));
    case "create-network": {
      const { id } = await client.createNetwork(networkSpec(topology, difference.network));
      return () => client.deleteNetwork(id);
    }
    case "create-sandbox": {
      const { id } = await client.createSandbox(sandboxSpec(topology, difference.sandbox));
      return () => client.deleteSandbox(id);
    }
  }
}

/**
 * Takes all steps, then does `finish` (waiting for the processes to listen); returns the processes there are now. Where a step, `finish` or the signal
 * fails it, everything is taken back and the error thrown; what could not be taken back is attached to it.
 */
export async function takeSteps(
  differences: readonly Difference[],
  before: readonly ProcessRecord[],
  context: StepContext,
  finish: (processes: readonly ProcessRecord[]) => Promise<void>,
): Promise<readonly ProcessRecord[]> {
  const processes = new Processes(context, before);
  const undos: Undo[] = [];
  try {
    for (const difference of differences) {
      context.signal?.throwIfAborted();
      context.onStep?.(difference);
      undos.push(await take(difference, context, processes));
    }
    await finish(processes.list);
    return processes.list;
  } catch (error) {
    const suppressed: unknown[] = [];
    for (const undo of undos.reverse()) await undo().catch((failure: unknown) => suppressed.push(failure));
    throw withSuppressed(context.signal?.aborted ? abortion(context, error) : error, suppressed);
  }
}

function abortion({ topology }: StepContext, cause: unknown): PortolanError {
  return new PortolanError("aborted", `topology "${topology}" was taken back before it was up`, { cause });
}

/** The same failure with what went wrong on the way back. */
function withSuppressed(error: unknown, suppressed: readonly unknown[]): unknown {
  if (suppressed.length === 0) return error;
  if (!isPortolanError(error)) return new SuppressedError(suppressed, error);
  const { code, message, object, reason, advice, cause } = error;
  return new PortolanError(code, message, {
    ...(object !== undefined && { object }),
    ...(reason !== undefined && { reason }),
    ...(advice !== undefined && { advice }),
    ...(cause !== undefined && { cause }),
    suppressed: [...error.suppressed, ...suppressed],
  });
}
