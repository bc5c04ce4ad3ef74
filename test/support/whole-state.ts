/** Everything that an engine could have changed: the host's state, that of every namespace bound below /run, and the files of a directory. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type HostSnapshot, run, snapshot } from "./test-host.ts";

export interface WholeState {
  readonly host: HostSnapshot;
  /** By path. */
  readonly namespaces: Readonly<Record<string, HostSnapshot>>;
  /** Content of files by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** The state now; `directory` is the engine's run directory. */
export function wholeState(directory: string): WholeState {
  const host = snapshot();
  return {
    host,
    namespaces: Object.fromEntries(host.namespaces.map((path) => [path, snapshot(path)])),
    files: filesBelow(directory, new Set(host.namespaces)),
  };
}

/** The same with the addresses made alike that the kernel draws by chance: of the host's ends of veths. */
export function withoutChance(state: WholeState): unknown {
  const links = JSON.parse(run("ip -j link show type veth")) as readonly { readonly address: string }[];
  let text = JSON.stringify(state);
  for (const { address } of links) text = text.replaceAll(address, "by chance");
  return JSON.parse(text);
}

function filesBelow(directory: string, namespaces: ReadonlySet<string>): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const path = join(directory, name);
    if (!statSync(path).isDirectory()) found[path] = namespaces.has(path) ? "namespace" : readFileSync(path, "utf8");
  }
  return found;
}
