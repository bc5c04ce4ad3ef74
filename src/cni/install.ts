/** Writes plugin files for runtimes to start, and a network list that uses them. Everything is checked before the first file is written, and each file is whole or not there. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PortolanError } from "../errors.ts";
import { isOwnPlugin } from "./installed.ts";
import { newest } from "./protocol/version.ts";

/** Our own type, which knows every driver, and the reference plugins' types that it stands in for. */
export const ownType = "portolan";
export const referenceTypes: readonly string[] = [
  "bridge",
  "macvlan",
  "ipvlan",
  "vlan",
  "ptp",
  "loopback",
  "host-device",
  "host-local",
  "static",
  "portmap",
  "bandwidth",
  "firewall",
  "tuning",
  "sbr",
  "vrf",
];

/** What to write, and where. */
export interface Plan {
  /** Folder of the plugin files; made where it is missing. */
  readonly directory: string;
  /** Names of the files. */
  readonly types: readonly string[];
  /** What each of them is. */
  readonly program: Buffer;
  readonly conflist?: { readonly directory: string; readonly network: string };
  /** Replace files that are not ours. */
  readonly force: boolean;
}

/** Paths of what was written. */
export interface Written {
  readonly plugins: readonly string[];
  readonly conflist?: string;
}

/** Installs. Throws `exists` where a file that is not ours would be replaced, and what writing throws. */
export function install({ directory, types, program, conflist, force }: Plan): Written {
  const plugins = types.map((type) => join(directory, type));
  const list = conflist && { path: join(conflist.directory, "10-portolan.conflist"), text: sample(conflist.network) };
  if (!force) {
    for (const path of plugins) if (isThere(path) && !isOwnPlugin(path)) throw inTheWay(path, "plugin");
    if (list && isThere(list.path) && readFileSync(list.path, "utf8") !== list.text)
      throw inTheWay(list.path, "network list");
  }
  mkdirSync(directory, { recursive: true });
  placePlugins(directory, types, program);
  if (list === undefined || conflist === undefined) return { plugins };
  mkdirSync(conflist.directory, { recursive: true });
  replace(list.path, conflist.directory, (fresh) => writeFileSync(fresh, list.text, { mode: 0o644 }));
  return { plugins, conflist: list.path };
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

const inTheWay = (path: string, what: string): PortolanError =>
  new PortolanError("exists", `${path} is there already and is not Portolan's`, {
    object: `${what} ${path}`,
    advice: "choose another directory, or replace the file with --force",
  });

/** Writes the program once, and gives it every name: links cost neither disk nor, to a kernel that starts several, memory. */
function placePlugins(directory: string, types: readonly string[], program: Buffer): void {
  const first = freshName(directory);
  try {
    writeFileSync(first, program);
    chmodSync(first, 0o755);
    for (const type of types) replace(join(directory, type), directory, (fresh) => linkOrCopy(first, fresh));
  } finally {
    rmSync(first, { force: true });
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Not every file system has hard links; why copying fails is told.
    copyFileSync(from, to);
  }
}

/** Puts a file in place by renaming: who starts it meanwhile has the old one or the new one. */
function replace(path: string, directory: string, write: (fresh: string) => void): void {
  const fresh = freshName(directory);
  try {
    write(fresh);
    renameSync(fresh, path);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** A name that runtimes take for no configuration and no plugin. */
function freshName(directory: string): string {
  for (let count = 0; ; count++) {
    const name = join(directory, `.portolan-${process.pid}-${count}`);
    if (!existsSync(name)) return name;
  }
}

/** A network list for a bridge network. Runtimes of the time before CNI 1.1 read `cniVersion`, later ones choose of `cniVersions`. */
function sample(network: string): string {
  const plugin = {
    type: ownType,
    driver: "bridge",
    capabilities: { portMappings: true, ips: true, mac: true, aliases: true, dns: true, bandwidth: true },
  };
  const list = { cniVersion: "1.0.0", cniVersions: ["1.0.0", newest], name: network, plugins: [plugin] };
  return `${JSON.stringify(list, undefined, 2)}\n`;
}
