/** Networks of configuration directories: which file holds which, and which of several is meant. */
import { isPortolanError, PortolanError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import { filesIn } from "./files.ts";
import { type NetworkConfiguration, nameIn, readNetworkFile } from "./network.ts";

/** Where runtimes look where nothing else is said. */
export const standardDirectory = "/etc/cni/net.d";

/** A file that cannot be used. */
export interface UnusableFile {
  readonly file: string;
  readonly error: PortolanError;
  /** The network that it is of, where that much can be read. */
  readonly name?: string;
}

/** What directories hold, each in the order in which it is looked at. */
export interface Directories {
  readonly networks: readonly NetworkConfiguration[];
  readonly unusable: readonly UnusableFile[];
}

/** Files in the order in which libcni looks for a network's name: lists before single plugins. */
export function filesByName(directories: readonly string[]): readonly string[] {
  return directories.flatMap((directory) => [
    ...filesIn(directory, [".conflist"]),
    ...filesIn(directory, [".conf", ".json"]),
  ]);
}

/** Files in the order of which CRI runtimes take the first: by name alone. */
export function filesInOrder(directories: readonly string[]): readonly string[] {
  return directories.flatMap((directory) => filesIn(directory, [".conflist", ".conf", ".json"]));
}

/** Reads files; what cannot be used is told beside the others. */
export function readFiles(files: readonly string[]): Directories {
  const networks: NetworkConfiguration[] = [];
  const unusable: UnusableFile[] = [];
  for (const file of files) {
    try {
      networks.push(readNetworkFile(file));
    } catch (error) {
      if (!isPortolanError(error)) throw error;
      const name = nameIn(file);
      unusable.push({ file, error, ...(name !== undefined && { name }) });
    }
  }
  return { networks, unusable };
}

/** A network that was found, and the files before it that might have held another one of its name. */
export interface FoundNetwork {
  readonly network: NetworkConfiguration;
  readonly unusable: readonly UnusableFile[];
}

/**
 * Finds a network by its name. A file that cannot be used does not end the search, unless it is the network's own: then its failure is thrown. Throws
 * `not-found` with the nearest name.
 */
export function findNetwork(directories: readonly string[], name: string): FoundNetwork {
  const unusable: UnusableFile[] = [];
  const names: string[] = [];
  for (const file of filesByName(directories)) {
    const found = readFiles([file]);
    const [network] = found.networks;
    if (network?.name === name) return { network, unusable };
    if (network !== undefined) names.push(network.name);
    for (const one of found.unusable) {
      if (one.name === name) throw one.error;
      unusable.push(one);
    }
  }
  throw new PortolanError("not-found", `there is no network "${name}" in ${directories.join(", ")}`, {
    object: `network "${name}"`,
    ...(unusable.length > 0 && { reason: unusable.map(unusableWords).join("\n") }),
    advice: adviceFor(name, names),
  });
}

/** What is wrong with a file, in a line. */
export const unusableWords = ({ file, error }: UnusableFile): string => `${file}: ${error.reason ?? error.message}`;

function adviceFor(name: string, names: readonly string[]): string {
  if (names.length === 0) return "put a .conflist there, or name the directory that it is in";
  const near = nearest(name, names, { within: 3 });
  return `${near === undefined ? "" : `did you mean "${near}"? `}there is ${names.join(", ")}`;
}
