/** Where a sandbox's processes are started: its network, and its files over those of the machine. */

import { withFilesOver } from "../kernel/mounts.ts";
import { closeNamespace, enterNamespace, openNamespace, openOwnNamespace } from "../kernel/namespace.ts";
import type { SandboxInfo } from "../model/types.ts";

export interface Surroundings {
  /** The path by which this process reaches the network namespace. */
  readonly namespace: string;
  /** The path of the mount namespace that the sandbox's files are in; absent: this process's own. */
  readonly mounts?: string;
  readonly files?: SandboxInfo["files"];
}

/** The surroundings of a sandbox whose engine is a process with mounts of its own, or this one's. */
export function surroundingsOf({ namespace, files }: SandboxInfo, engine: number | undefined): Surroundings {
  const own = files !== undefined && { files };
  if (engine === undefined) return { namespace: namespace === "host" ? "/proc/self/ns/net" : namespace, ...own };
  return {
    namespace: namespace === "host" ? `/proc/${engine}/ns/net` : `/proc/${engine}/root${namespace}`,
    mounts: `/proc/${engine}/ns/mnt`,
    ...own,
  };
}

/** Runs `work` in the network namespace at `path`; children that it starts are born there. */
export function inNamespace<Result>(path: string, work: () => Result): Result {
  const home = openOwnNamespace();
  try {
    const descriptor = openNamespace(path);
    try {
      return enterNamespace(descriptor, home, work);
    } finally {
      closeNamespace(descriptor);
    }
  } finally {
    closeNamespace(home);
  }
}

/** Runs `work` where children that it starts have the sandbox's network and its files: names are resolved as they say. */
export function inSurroundings<Result>({ namespace, mounts, files }: Surroundings, work: () => Result): Result {
  if (files === undefined) return inNamespace(namespace, work);
  const home = openOwnNamespace();
  try {
    const descriptor = openNamespace(namespace);
    const bindings = [
      { file: files.hosts, over: "/etc/hosts" },
      { file: files.resolvConf, over: "/etc/resolv.conf" },
    ];
    try {
      return withFilesOver(mounts, bindings, () => enterNamespace(descriptor, home, work));
    } finally {
      closeNamespace(descriptor);
    }
  } finally {
    closeNamespace(home);
  }
}
