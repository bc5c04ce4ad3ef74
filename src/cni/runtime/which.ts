/** Which file of configuration directories holds a network, and which one a CRI runtime takes: with the reasons. */
import { filesByName, filesInOrder, readFiles, type UnusableFile } from "./directories.ts";
import type { NetworkConfiguration } from "./network.ts";

/** A file that was chosen. */
export interface Choice {
  readonly network: NetworkConfiguration;
  /** Why this one. */
  readonly reason: string;
  /** Other files of the same network's name, that are never looked at for it. */
  readonly hidden: readonly string[];
  /** Files that cannot be used and come before it. */
  readonly unusable: readonly UnusableFile[];
}

/** The file in which a network is found by its name (libcni's LoadNetworkConf, podman, nerdctl, cnitool); undefined where none holds it. */
export function chosenByName(directories: readonly string[], name: string): Choice | undefined {
  const files = filesByName(directories);
  const { networks, unusable } = readFiles(files);
  const [network, ...hidden] = networks.filter((one) => one.name === name);
  if (network === undefined) return undefined;
  return {
    network,
    reason:
      "the first of this name: lists (.conflist) come before single plugins (.conf, .json), each in the order of their names",
    hidden: hidden.map(({ file }) => file),
    unusable: before(files, unusable, network),
  };
}

/** The file that containerd and CRI-O take for pods where they are not told a network; undefined where none can be used. */
export function chosenForPods(directories: readonly string[]): Choice | undefined {
  const files = filesInOrder(directories);
  const { networks, unusable } = readFiles(files);
  const [network] = networks;
  if (network === undefined) return undefined;
  return {
    network,
    reason: "the first by the names of the files, whatever they end in",
    hidden: [],
    unusable: before(files, unusable, network),
  };
}

const before = (
  files: readonly string[],
  unusable: readonly UnusableFile[],
  { file: chosen }: NetworkConfiguration,
): readonly UnusableFile[] => unusable.filter(({ file }) => files.indexOf(file) < files.indexOf(chosen));
