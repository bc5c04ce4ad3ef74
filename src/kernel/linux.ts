/** The seam's one real implementation: Linux, seen from the namespace of the thread that makes it. */
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { PortClaims, portRefusal } from "./inet/port-claims.ts";
import { type Kernel, KernelError, type NamespaceRef, type NetlinkFamily } from "./kernel.ts";
import {
  closeNamespace,
  createNamespace,
  dropNamespace,
  enterNamespace,
  namespaceInode,
  noNamespace,
  openIfNamespace,
  openOwnNamespace,
} from "./namespace.ts";
import { NetlinkSocket } from "./netlink/socket.ts";
import { Errands } from "./packet/errands.ts";
import { LinkSocket } from "./packet/socket.ts";
import { refusalOf } from "./syscalls.ts";

/** Largest file that is read, bytes: what we write is far smaller, and what stands there instead may be anything. */
const largestFile = 1 << 20;

import { legacyTableNames, readLegacyTable } from "./xtables/legacy.ts";

/** What is held open of one namespace. */
interface Held {
  readonly descriptor: number;
  /** Tells whether the path still leads there; undefined for the host. */
  readonly inode: bigint | undefined;
  /** When that was last asked, milliseconds of the process. */
  checked: number;
  readonly sockets: Map<NetlinkFamily, NetlinkSocket>;
}

/** Namespaces held open beside the host: descriptors are cheap to get again, and a thousand sandboxes are not worked on at once. */
const heldLimit = 32;
/** How long a path is taken to lead where it did, milliseconds: the messages of one change follow each other within that. */
const trusted = 1;

/** Makes the kernel seam for the calling thread, whose network namespace becomes `"host"`. */
export function createKernel(): Kernel {
  const host: Held = { descriptor: openOwnNamespace(), inode: undefined, checked: 0, sockets: new Map() };
  const errands = new Errands();
  /** By path, least recently used first. */
  const held = new Map<string, Held>();
  const claims = new PortClaims();

  function release(path: string): void {
    const entry = held.get(path);
    if (entry === undefined) return;
    held.delete(path);
    for (const socket of entry.sockets.values()) socket.close();
    closeNamespace(entry.descriptor);
  }

  function forgetNamespaces(): void {
    for (const path of [...held.keys()]) release(path);
  }

  function hold(namespace: NamespaceRef): Held {
    const entry = holdIfThere(namespace);
    if (entry === undefined) throw noNamespace(namespace);
    return entry;
  }

  function holdIfThere(namespace: NamespaceRef): Held | undefined {
    if (namespace === "host") return host;
    let entry = held.get(namespace);
    const now = performance.now();
    if (entry !== undefined && now - entry.checked < trusted) return entry;
    const inode = namespaceInode(namespace);
    if (entry !== undefined && entry.inode === inode) {
      held.delete(namespace);
      held.set(namespace, entry);
      entry.checked = now;
      return entry;
    }
    release(namespace);
    const descriptor = inode === undefined ? undefined : openIfNamespace(namespace);
    if (descriptor === undefined) return undefined;
    entry = { descriptor, inode, checked: now, sockets: new Map() };
    held.set(namespace, entry);
    const [oldest] = held.keys();
    if (held.size > heldLimit && oldest !== undefined) release(oldest);
    return entry;
  }

  function socketOf(namespace: NamespaceRef, family: NetlinkFamily): NetlinkSocket {
    const entry = hold(namespace);
    const open = entry.sockets.get(family);
    if (open !== undefined) return open;
    const made =
      entry === host
        ? new NetlinkSocket(family)
        : enterNamespace(entry.descriptor, host.descriptor, () => new NetlinkSocket(family));
    entry.sockets.set(family, made);
    return made;
  }

  function inside<Result>(namespace: NamespaceRef, work: () => Result): Result {
    const entry = hold(namespace);
    return entry === host ? work() : enterNamespace(entry.descriptor, host.descriptor, work);
  }

  return {
    createNamespace(path) {
      release(path);
      asKernelError(`make namespace ${path}`, () => createNamespace(path, host.descriptor));
    },
    dropNamespace(path) {
      release(path);
      asKernelError(`drop namespace ${path}`, () => dropNamespace(path));
    },
    // Whoever asks works there next: it stays open.
    namespaceExists: (path) => holdIfThere(path as NamespaceRef) !== undefined, // a path is absolute: the contract's words
    namespaceDescriptor: (path) => hold(path as NamespaceRef).descriptor, // a path is absolute: the contract's words
    forgetNamespaces,

    send(namespace, family, messages) {
      const socket = socketOf(namespace, family);
      return family === "netfilter" ? socket.transact(messages) : socket.execute(messages);
    },
    async sendAside(namespace, family, message) {
      // A socket of its own: the others are used meanwhile.
      const socket = inside(namespace, () => new NetlinkSocket(family));
      try {
        return await socket.executeAside(message);
      } finally {
        socket.close();
      }
    },
    get: (namespace, family, message) => socketOf(namespace, family).get(message),
    dump: (namespace, family, message) => socketOf(namespace, family).dump(message),
    async *watch(family, group, signal) {
      const socket = new NetlinkSocket(family, { groups: [group], deafTo: socketOf("host", family).portId });
      try {
        yield* socket.watch(signal);
      } finally {
        socket.close();
      }
    },
    hasLink: (namespace, name) => socketOf(namespace, "route").hasLink(name),
    linkIndex: (namespace, name) => socketOf(namespace, "route").linkIndex(name),
    openPackets: (namespace, link, mode) => inside(namespace, () => new LinkSocket(link, mode, errands)),

    legacyTables: (family) => legacyTableNames(family).map((name) => readLegacyTable(family, name)),

    readSysctl(namespace, name) {
      const path = sysctlPath(name);
      return inside(namespace, () =>
        asKernelError(`read sysctl ${name}`, () => {
          try {
            return readFileSync(path, "utf8").replace(/\n$/, "");
          } catch (error) {
            if (isAbsent(error)) return undefined;
            throw error;
          }
        }),
      );
    },
    writeSysctl(namespace, name, value) {
      inside(namespace, () => asKernelError(`write sysctl ${name}`, () => writeFileSync(sysctlPath(name), value)));
    },

    readFile(path) {
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found === undefined) return undefined;
      const whole = found.isFile() && found.size <= largestFile;
      return { content: whole ? readFileSync(path, "utf8") : undefined, mode: found.mode & 0o7777 };
    },
    writeFile(path, content, mode, how = "in-place") {
      asKernelError(`write ${path}`, () => {
        const target = how === "replace" ? `${path}.new` : path;
        if (how === "replace") rmSync(target, { force: true });
        try {
          writeFileSync(target, content, { mode });
        } catch (error) {
          if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
          mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
          writeFileSync(target, content, { mode });
        }
        chmodSync(target, mode);
        if (how === "replace") renameSync(target, path);
      });
    },
    removeFile(path) {
      asKernelError(`remove ${path}`, () => rmSync(path, { force: true }));
      try {
        rmdirSync(dirname(path));
      } catch {
        // Others have files there, or nobody ever made it.
      }
    },

    holdPorts: (claim) => claims.hold(claim),
    releasePorts: (claim) => claims.release(claim),
    heldPorts: () => claims.all(),
    portRefusal,

    close() {
      claims.close();
      forgetNamespaces();
      for (const socket of host.sockets.values()) socket.close();
      closeNamespace(host.descriptor);
    },
  };
}

/** /proc/sys path of a dotted or slashed name; throws KernelError EINVAL for one that leads elsewhere. */
function sysctlPath(name: string): string {
  const slashed = name.includes("/") ? name : name.replaceAll(".", "/");
  if (slashed.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new KernelError(`sysctl ${name}`, refusalOf(22, "not a sysctl name"));
  }
  return `/proc/sys/${slashed}`;
}

/** Whether node:fs found no such file. */
const isAbsent = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

/** Runs `work`; what node:fs throws becomes a KernelError. */
function asKernelError<Result>(operation: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && "errno" in error && typeof error.errno === "number") {
      throw new KernelError(operation, refusalOf(-error.errno));
    }
    throw error;
  }
}
