/**
 * Network namespaces as files: made and bound to a path, entered for the time of one synchronous call, and dropped. setns and unshare act
 * on the calling thread alone, so no other JavaScript sees a thread that is elsewhere.
 */
import { closeSync, mkdirSync, openSync, statfsSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { KernelError } from "./kernel.ts";
import {
  detach,
  mount,
  mountFlag,
  namespaceFlag,
  namespaceType,
  refusalOf,
  setNamespace,
  unmount,
  unshare,
} from "./syscalls.ts";

/** The calling thread's own network namespace. /proc/self would be that of the process's first thread. */
const ownNamespace = "/proc/thread-self/ns/net";
/** NSFS_MAGIC (linux/magic.h): the file system of namespace files. */
const namespaceFileSystem = 0x6e736673;
/** ENOENT, EEXIST */
const noEntry = 2;
const alreadyExists = 17;

/** Opens the calling thread's network namespace. */
export function openOwnNamespace(): number {
  return openSync(ownNamespace, "r");
}

/** Opens the network namespace at `path`; throws KernelError ENOENT where there is none. */
export function openNamespace(path: string): number {
  const descriptor = openIfNamespace(path);
  if (descriptor !== undefined) return descriptor;
  throw noNamespace(path);
}

/** The refusal of a path where none is. */
export const noNamespace = (path: string): KernelError =>
  new KernelError(`open ${path}`, refusalOf(noEntry, "no network namespace is there"));

/** Whether `path` is a network namespace. */
export function namespaceExists(path: string): boolean {
  const descriptor = openIfNamespace(path);
  if (descriptor === undefined) return false;
  closeSync(descriptor);
  return true;
}

/** Opens the network namespace at `path`; undefined where there is none. */
export function openIfNamespace(path: string): number | undefined {
  // A file that waits for its namespace to be bound, or whose namespace was unmounted, lies in an ordinary file system.
  const isNamespace =
    statSync(path, { throwIfNoEntry: false }) !== undefined && statfsSync(path).type === namespaceFileSystem;
  if (!isNamespace) return undefined;
  const descriptor = openSync(path, "r");
  if (namespaceType(descriptor) === namespaceFlag.network) return descriptor;
  closeSync(descriptor);
  return undefined;
}

/** Which namespace a path leads to now; undefined where there is no file. */
export function namespaceInode(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

/**
 * Runs `work` in the namespace behind `descriptor` and comes back to `home`, whatever `work` throws. A thread that cannot come back would do everything
 * that follows in the wrong place, so the process ends there.
 */
export function enterNamespace<Result>(descriptor: number, home: number, work: () => Result): Result {
  setNamespace(descriptor, namespaceFlag.network);
  try {
    return work();
  } finally {
    comeBack(home);
  }
}

/** Runs `work` in the namespace at `path`, without keeping it open; throws KernelError ENOENT where there is none. */
export function enterNamespaceAt<Result>(path: string, home: number, work: () => Result): Result {
  const descriptor = openNamespace(path);
  try {
    return enterNamespace(descriptor, home, work);
  } finally {
    closeSync(descriptor);
  }
}

function comeBack(home: number): void {
  try {
    setNamespace(home, namespaceFlag.network);
  } catch (error) {
    console.error("cannot return to the host's network namespace:", error);
    process.abort();
  }
}

/**
 * Makes a network namespace and binds it to `path`; `home` is the namespace to come back to. Throws KernelError EEXIST where a namespace is bound
 * already; an ordinary empty file, left by an engine that was killed between the two steps, is taken.
 */
export function createNamespace(path: string, home: number): void {
  if (namespaceExists(path)) {
    throw new KernelError(`bind ${path}`, refusalOf(alreadyExists, "a network namespace is there already"));
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, "", { mode: 0o444 });
  try {
    unshare(namespaceFlag.network);
    try {
      mount(ownNamespace, path, "none", mountFlag.bind);
    } finally {
      comeBack(home);
    }
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
}

/** Unbinds and removes `path`; the kernel frees the namespace when nothing uses it any more. No error where nothing is there. */
export function dropNamespace(path: string): void {
  while (namespaceExists(path)) unmount(path, detach);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) unlinkSync(path);
}

/** Closes a descriptor of {@link openNamespace}. */
export function closeNamespace(descriptor: number): void {
  closeSync(descriptor);
}
