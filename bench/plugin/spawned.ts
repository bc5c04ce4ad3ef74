/** Reference plugins as a runtime of Node.js starts them. */
import { spawnSync } from "node:child_process";
import { basename, dirname } from "node:path";

/** What one of a container's calls is of. */
interface Call {
  readonly namespace: string;
  readonly id: string;
  readonly previous?: unknown;
}

/** Runs a plugin for `eth0` of a container; its answer. Throws where it fails. */
export function spawnPlugin(
  plugin: string,
  configuration: Readonly<Record<string, unknown>>,
  command: "ADD" | "DEL",
  { namespace, id, previous }: Call,
): unknown {
  const { status, stdout, stderr } = spawnSync(plugin, {
    input: JSON.stringify({ ...configuration, ...(previous !== undefined && { prevResult: previous }) }),
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_NETNS: namespace,
      CNI_IFNAME: "eth0",
      CNI_PATH: dirname(plugin),
    },
  });
  if (status !== 0) throw new Error(`the ${basename(plugin)} plugin's ${command} failed: ${stdout}${stderr}`);
  return stdout === "" ? undefined : JSON.parse(stdout);
}
