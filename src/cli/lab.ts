/** The lab as the commands up, down, diff and ps use it: its options made of a command's context, and words for what it is at. */
import { existsSync } from "node:fs";
import { type CallOptions, type Client, connectClient } from "../api/client.ts";
import type { LabClient } from "../lab/client.ts";
import { subjectOf } from "../lab/differences.ts";
import { labNames } from "../lab/directory.ts";
import type { LabOptions, Progress } from "../lab/lab.ts";
import { readTopology } from "../lab/read-topology.ts";
import type { Context } from "./command.ts";
import type { Globals } from "./globals.ts";

export { labNames } from "../lab/directory.ts";
export { diff, down, ps, up } from "../lab/lab.ts";
export { readTopology } from "../lab/read-topology.ts";

/** What a command adds to the lab's options. */
export interface LabReports {
  readonly onProgress?: (progress: Progress) => void;
  readonly explain?: (commands: readonly string[]) => void;
}

/** The lab's options in a command's context. */
export function labOptions(
  { globals, signal, client }: Pick<Context, "globals" | "signal" | "client">,
  { onProgress, explain }: LabReports = {},
): LabOptions {
  return {
    runDirectory: globals.runDir,
    connect: async (socket) => {
      const opened = socket === undefined ? await client() : await connectClient(socket);
      return explain === undefined ? opened : explaining(opened, explain);
    },
    signal,
    ...(onProgress && { onProgress }),
  };
}

/** A client whose every change tells its commands. */
function explaining(client: Client, explain: (commands: readonly string[]) => void): LabClient {
  const options: CallOptions = { explain };
  return {
    networks: (filters) => client.networks(filters),
    sandboxes: (filters) => client.sandboxes(filters),
    createNetwork: (spec) => client.createNetwork(spec, options),
    deleteNetwork: (reference) => client.deleteNetwork(reference, options),
    createSandbox: (spec) => client.createSandbox(spec, options),
    deleteSandbox: (reference) => client.deleteSandbox(reference, options),
    connect: (network, sandbox, spec) => client.connect(network, sandbox, spec, options),
    disconnect: (endpoint) => client.disconnect(endpoint, options),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** The name of the topology that a file has, or that is up under it. Throws where it is neither. */
export function topologyName(fileOrName: string, { runDir }: Pick<Globals, "runDir">): string {
  if (!existsSync(fileOrName) && labNames(runDir).includes(fileOrName)) return fileOrName;
  return readTopology(fileOrName).name;
}

/** What the lab is at, as a line. */
export function progressText(progress: Progress): string {
  switch (progress.phase) {
    case "host":
      return "starting an isolated host";
    case "step":
      return `${progress.difference.step.replaceAll("-", " ")}: ${subjectOf(progress.difference)}`;
    case "listening":
      return `listening: sandbox "${progress.sandbox}" on ${progress.ports.join(", ")}`;
    case "measuring":
      return `measuring who reaches whom among ${progress.sandboxes} sandboxes`;
  }
}
