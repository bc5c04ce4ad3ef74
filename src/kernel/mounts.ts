/** Mount namespaces, entered for the time of one synchronous call: what is bound there is seen by the processes that are started in between, and by nobody else. */
import { closeSync, existsSync, openSync } from "node:fs";
import { mount, mountFlag, namespaceFlag, setNamespace, unshare } from "./syscalls.ts";

/** A file that lies over another one. Both are there. */
export interface Binding {
  readonly file: string;
  readonly over: string;
}

/** The calling thread's own. */
const ownMounts = "/proc/thread-self/ns/mnt";

/**
 * Runs `work` in a copy of a mount namespace (`path` of its file; absent: the caller's) in which files lie over others, and comes back whatever `work` throws.
 * A file or a place that is not there is left out. The calling thread has a directory and mounts apart from the program's other threads from then on.
 */
export function withFilesOver<Result>(
  path: string | undefined,
  bindings: readonly Binding[],
  work: () => Result,
): Result {
  const directory = process.cwd();
  const home = openSync(ownMounts, "r");
  try {
    const there = path === undefined ? undefined : openSync(path, "r");
    try {
      // A thread enters other mounts only when it shares its directory with nobody (setns(2)); unsharing them does that, too.
      unshare(namespaceFlag.mount);
      if (there !== undefined) {
        setNamespace(there, namespaceFlag.mount);
        unshare(namespaceFlag.mount);
      }
      // What is mounted or unmounted outside later is so here, too; what is bound here stays here.
      mount("none", "/", "none", mountFlag.recursive | mountFlag.slave);
      for (const { file, over } of bindings)
        if (existsSync(file) && existsSync(over)) mount(file, over, "none", mountFlag.bind);
      return work();
    } finally {
      if (there !== undefined) closeSync(there);
      comeBack(home, directory);
    }
  } finally {
    closeSync(home);
  }
}

function comeBack(home: number, directory: string): void {
  try {
    setNamespace(home, namespaceFlag.mount);
    process.chdir(directory);
  } catch (error) {
    console.error("cannot return to the program's mounts:", error);
    process.abort();
  }
}
