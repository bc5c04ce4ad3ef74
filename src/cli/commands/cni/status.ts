import type { CniRuntime, NetworkConfiguration } from "../../../cni/runtime/index.ts";
import { isPortolanError } from "../../../errors.ts";
import { directoryFlags, pluginFlags, runtimeOf, warnOf } from "../../cni.ts";
import { defineCommand } from "../../command.ts";
import { exitStatus } from "../../failure.ts";
import { any } from "../../flag.ts";
import { jsonText } from "../../format.ts";
import { tableLines } from "../../table.ts";

export const command = defineCommand({
  summary: "Ask CNI networks' plugins whether containers can be attached",
  details: "Fails where one is not ready. Networks below version 1.1.0 have no such question.",
  arguments: { networks: any("NETWORK", "Name of a network (default: all of them)") },
  flags: { ...directoryFlags, ...pluginFlags },
  examples: [
    { line: "portolan cni status", meaning: "all networks" },
    { line: "portolan cni status --format json front", meaning: "one, for a program" },
  ],
  async run(values, context) {
    const runtime = await runtimeOf(values, context);
    const found =
      values.networks.length === 0 ? runtime.networks() : merged(values.networks.map((name) => runtime.network(name)));
    warnOf(found.unusable, context);
    const states: State[] = [];
    for (const network of found.networks) states.push(await stateOf(runtime, network, context.signal));
    const { output } = context;
    if (values.format === "json") for (const state of states) output.line(jsonText(state));
    else {
      const rows = states.map(({ network, state, reason }) => [network, state, reason ?? ""]);
      for (const line of tableLines(["NETWORK", "STATUS", "REASON"], rows)) output.line(line);
    }
    return states.some(({ state }) => state === "not ready") ? exitStatus.failed : 0;
  },
});

interface State {
  readonly network: string;
  readonly state: "ready" | "not ready" | "not asked";
  readonly reason?: string;
}

function merged(found: readonly ReturnType<CniRuntime["network"]>[]): ReturnType<CniRuntime["networks"]> {
  return { networks: found.map(({ network }) => network), unusable: found.flatMap(({ unusable }) => unusable) };
}

async function stateOf(runtime: CniRuntime, network: NetworkConfiguration, signal: AbortSignal): Promise<State> {
  try {
    if (await runtime.status(network, { signal })) return { network: network.name, state: "ready" };
    return { network: network.name, state: "not asked", reason: `version ${network.version} has no STATUS` };
  } catch (error) {
    if (!isPortolanError(error) || error.code === "aborted") throw error;
    const reason = error.reason === undefined ? error.message : `${error.object ?? "a plugin"}: ${error.reason}`;
    return { network: network.name, state: "not ready", reason };
  }
}
