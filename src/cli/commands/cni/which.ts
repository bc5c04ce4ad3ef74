import type { Choice, CniRuntime, NetworkConfiguration } from "../../../cni/runtime/index.ts";
import { isPortolanError } from "../../../errors.ts";
import { directoryFlags, pluginFlags, runtimeOf } from "../../cni.ts";
import { defineCommand } from "../../command.ts";
import { exitStatus } from "../../failure.ts";
import { optional } from "../../flag.ts";
import { jsonText } from "../../format.ts";

export const command = defineCommand({
  summary: "Show which file holds a CNI network, which one pods get, and where the plugins are",
  details:
    "By name, libcni and what is made with it (podman, nerdctl) look. Pods get the first file: containerd fails where that one cannot be used, CRI-O takes the next. Each plugin is asked which versions it speaks. Fails where nothing is found, or a plugin is missing.",
  arguments: { network: optional("NETWORK", "Name of a network (default: the one that pods get)") },
  flags: { ...directoryFlags, ...pluginFlags },
  examples: [
    { line: "portolan cni which", meaning: "what a CRI runtime takes for pods" },
    { line: "portolan cni which front", meaning: "what a name leads to" },
  ],
  async run(values, context) {
    const runtime = await runtimeOf(values, context);
    // Throws what there is to say where the name leads nowhere.
    const name = values.network === undefined ? undefined : runtime.network(values.network).network.name;
    const pods = runtime.chosenForPods();
    const named = name === undefined ? undefined : runtime.chosenByName(name);
    const chosen = named ?? pods;
    const plugins = chosen === undefined ? [] : await pluginsOf(runtime, chosen.network, context.signal);
    const { output } = context;
    if (values.format === "json") {
      const byName = named && choiceJson(named);
      output.line(
        jsonText({ ...(byName && { byName }), forPods: pods === undefined ? null : choiceJson(pods), plugins }),
      );
    } else {
      if (named !== undefined) for (const line of choiceLines("by name", named)) output.line(line);
      for (const line of pods === undefined ? ["for pods: no file"] : choiceLines("for pods", pods)) output.line(line);
      for (const plugin of plugins) output.line(pluginLine(plugin));
    }
    return chosen === undefined || plugins.some(({ problem }) => problem !== undefined) ? exitStatus.failed : 0;
  },
});

interface PluginPlace {
  readonly type: string;
  readonly path?: string;
  readonly versions?: readonly string[];
  readonly problem?: string;
}

async function pluginsOf(
  runtime: CniRuntime,
  network: NetworkConfiguration,
  signal: AbortSignal,
): Promise<readonly PluginPlace[]> {
  const types = [...new Set(network.plugins.map(({ type }) => type))];
  return await Promise.all(types.map((type) => placeOf(runtime, type, signal)));
}

async function placeOf(runtime: CniRuntime, type: string, signal: AbortSignal): Promise<PluginPlace> {
  let path: string | undefined;
  try {
    path = runtime.pluginPath(type);
    return { type, path, versions: await runtime.versionsOf(type, { signal }) };
  } catch (error) {
    if (!isPortolanError(error) || error.code === "aborted") throw error;
    return { type, ...(path !== undefined && { path }), problem: error.reason ?? error.message };
  }
}

function pluginLine({ type, path, versions, problem }: PluginPlace): string {
  const where = path === undefined ? "" : ` ${path}`;
  return `plugin ${type}:${where}${versions === undefined ? "" : `, speaks ${versions.join(", ")}`}${problem === undefined ? "" : ` ${problem}`}`;
}

function choiceLines(title: string, { network, reason, hidden, unusable }: Choice): readonly string[] {
  return [
    `${title}: ${network.file}, network ${network.name}, version ${network.version}`,
    `  ${reason}`,
    ...hidden.map((file) => `  hidden by it: ${file}`),
    ...unusable.map(({ file, error }) => `  passed over: ${file}: ${error.reason ?? error.message}`),
  ];
}

function choiceJson({ network, reason, hidden, unusable }: Choice): object {
  return {
    network: network.name,
    file: network.file,
    version: network.version,
    plugins: network.plugins.map(({ type, file }) => ({ type, file })),
    reason,
    hidden,
    passedOver: unusable.map(({ file, error }) => ({ file, reason: error.reason ?? error.message })),
  };
}
