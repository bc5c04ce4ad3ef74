/**
 * Ports of the host that are held: sockets that are bound and never used, so that nobody else can bind them. They go with the process.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { ipToBytes } from "../../address/ip.ts";
import { KernelError, type KernelRefusal, type PortClaim } from "../kernel.ts";
import { bind, closeSocket, listen, refusalOf, setSocketOption, shutdown, socket } from "../syscalls.ts";
import { domainOf, encodeSocketAddress, inet6Domain } from "./address.ts";
import { errno, ipv6Level, ipv6Option, nonBlocking, socketLevel, socketOption } from "./options.ts";

/** SOCK_STREAM, SOCK_DGRAM, and IPPROTO_* of each protocol. */
const kinds = {
  tcp: { type: 1, protocol: 6 },
  udp: { type: 2, protocol: 17 },
  sctp: { type: 1, protocol: 132 },
} as const;

/** EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT: nobody can bind what the kernel does not have. */
const unknownToKernel = new Set(["EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"]);

/** Held ports, by the text of the claim. */
interface Held {
  readonly claim: PortClaim;
  readonly sockets: readonly number[];
}

const keyOf = ({ protocol, address, first, last }: PortClaim): string =>
  `${protocol} ${address ?? "*"} ${first}-${last}`;

/** What one process holds. */
export class PortClaims {
  readonly #held = new Map<string, Held>();

  /** Binds every port of a claim, or none; throws KernelError EADDRINUSE, which names who has it, or EADDRNOTAVAIL. */
  hold(claim: PortClaim): void {
    const key = keyOf(claim);
    if (!this.#held.has(key)) this.#held.set(key, { claim, sockets: bindAll(claim) });
  }

  /** Lets go of a claim; no error where it is not held. */
  release(claim: PortClaim): void {
    const key = keyOf(claim);
    for (const fd of this.#held.get(key)?.sockets ?? []) closeSocket(fd);
    this.#held.delete(key);
  }

  all(): readonly PortClaim[] {
    return [...this.#held.values()].map(({ claim }) => claim);
  }

  close(): void {
    for (const { claim } of [...this.#held.values()]) this.release(claim);
  }
}

function bindAll(claim: PortClaim): readonly number[] {
  const sockets: number[] = [];
  const address = claim.address === undefined ? anyAddress() : ipToBytes(claim.address);
  try {
    for (let port = claim.first; port <= claim.last; port++) {
      const fd = bindOne(claim, encodeSocketAddress(address, port), port);
      if (fd === undefined) break;
      sockets.push(fd);
    }
  } catch (error) {
    for (const fd of sockets) closeSocket(fd);
    throw error;
  }
  return sockets;
}

/** All addresses of both families; of IPv4 alone where the kernel has no IPv6. */
let unspecified: Uint8Array | undefined;
function anyAddress(): Uint8Array {
  unspecified ??= hasIpv6() ? new Uint8Array(16) : new Uint8Array(4);
  return unspecified;
}

function hasIpv6(): boolean {
  try {
    closeSocket(socket(inet6Domain, kinds.udp.type | nonBlocking, 0));
    return true;
  } catch (error) {
    if (error instanceof KernelError && unknownToKernel.has(error.refusal.code)) return false;
    throw error;
  }
}

/** A bound socket; undefined where the kernel lacks the protocol. */
function bindOne(claim: PortClaim, at: Buffer, port: number): number | undefined {
  const fd = openFor(claim, at);
  if (fd === undefined) return undefined;
  try {
    bindTo(fd, claim, at);
    return fd;
  } catch (error) {
    closeSocket(fd);
    if (!(error instanceof KernelError && error.refusal.errno === errno.addressInUse)) throw error;
    throw new KernelError("bind", refusalOf(errno.addressInUse, holderWords(claim, port)));
  }
}

function openFor({ protocol, address }: PortClaim, at: Buffer): number | undefined {
  const { type, protocol: number } = kinds[protocol];
  const domain = domainOf(at);
  let fd: number;
  try {
    fd = socket(domain, type | nonBlocking, number);
  } catch (error) {
    if (error instanceof KernelError && unknownToKernel.has(error.refusal.code)) return undefined;
    throw error;
  }
  if (domain === inet6Domain) setSocketOption(fd, ipv6Level, ipv6Option.ipv6Only, address === undefined ? 0 : 1);
  // Nothing is ever read: what comes by a way that is not translated is not to be kept.
  if (protocol === "udp") setSocketOption(fd, socketLevel, socketOption.smallReceiveBuffer, 0);
  return fd;
}

/**
 * Binds without SO_REUSEADDR, so that nobody can bind beside. Connections that are closing (TIME_WAIT) of whoever had a TCP port before keep it from us for a minute
 * then; with the option it can be had, and listening for a moment makes it ours alone again (inet_csk_update_fastreuse in net/ipv4/inet_connection_sock.c).
 */
function bindTo(fd: number, { protocol }: PortClaim, at: Buffer): void {
  try {
    bind(fd, at);
    return;
  } catch (error) {
    const closing = error instanceof KernelError && error.refusal.errno === errno.addressInUse && protocol === "tcp";
    if (!closing) throw error;
  }
  setSocketOption(fd, socketLevel, socketOption.reuseAddress, 1);
  bind(fd, at);
  listen(fd, 0);
  shutdown(fd);
  setSocketOption(fd, socketLevel, socketOption.reuseAddress, 0);
}

/** Who has a port, in words: looked for only when it could not be had. */
function holderWords({ protocol, address }: PortClaim, port: number): string {
  const [holder] = findHolders(protocol, port);
  const where = `${protocol} port ${port}${address === undefined ? "" : ` of ${address}`}`;
  return holder === undefined ? `${where} is in use` : `process ${holder.pid} (${holder.name}) has ${where}`;
}

/** The tables of the calling thread's namespace (proc_pid_net(5)); the field that holds the local port, and the one of the socket's inode. */
const tables = {
  tcp: { files: ["tcp", "tcp6"], local: 1, inode: 9 },
  udp: { files: ["udp", "udp6"], local: 1, inode: 9 },
  sctp: { files: ["sctp/eps"], local: 5, inode: 7 },
} as const;

interface Process {
  readonly pid: number;
  readonly name: string;
}

function findHolders(protocol: PortClaim["protocol"], port: number): readonly Process[] {
  const { files, local, inode } = tables[protocol];
  const inodes = new Set(
    files.flatMap((file) =>
      linesOf(`/proc/thread-self/net/${file}`).flatMap((line) => {
        const fields = line.trim().split(/\s+/);
        const at = fields[local] ?? "";
        const number = at.includes(":") ? Number.parseInt(at.slice(at.lastIndexOf(":") + 1), 16) : Number(at);
        return number === port ? [`socket:[${fields[inode]}]`] : [];
      }),
    ),
  );
  return inodes.size === 0 ? [] : processesWith(inodes);
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n").slice(1);
  } catch {
    return [];
  }
}

/** Numbers of all processes. */
const processes = (): readonly number[] => readdirSync("/proc").map(Number).filter(Number.isInteger);

/** What is read of a process; undefined where it ended while we looked, or is not ours to look into. */
function readIfThere<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function processesWith(targets: ReadonlySet<string>): readonly Process[] {
  return processes().flatMap((pid): readonly Process[] => {
    const has = readIfThere(() =>
      readdirSync(`/proc/${pid}/fd`).some((fd) =>
        targets.has(readIfThere(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? ""),
      ),
    );
    const name = has ? readIfThere(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim()) : undefined;
    return name === undefined ? [] : [{ pid, name }];
  });
}

/** Whether one of these processes is in a network namespace, or has started one that is. */
function belongTo(namespace: string, holders: readonly Process[]): boolean {
  const pids = new Set(holders.map(({ pid }) => pid));
  const inode = (path: string): number | undefined => readIfThere(() => statSync(path).ino);
  const own = inode(namespace);
  return (
    own !== undefined &&
    pids.size > 0 &&
    processes().some((pid) => inode(`/proc/${pid}/ns/net`) === own && (pids.has(pid) || pids.has(parentOf(pid))))
  );
}

/** The number of a process's parent (proc_pid_status(5)); 0 where there is none. */
function parentOf(pid: number): number {
  const status = readIfThere(() => readFileSync(`/proc/${pid}/status`, "utf8")) ?? "";
  return Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1] ?? 0);
}

/**
 * Why a claim cannot be held now, undefined where it could: binds and lets go. Processes in a namespace that is given, and those that started them, do not count: a
 * container runtime may keep the ports of its containers to itself (podman's conmon does).
 */
export function portRefusal(claim: PortClaim, namespace?: string): KernelRefusal | undefined {
  const refusal = refusalNow(claim);
  if (namespace === undefined || refusal?.errno !== errno.addressInUse) return refusal;
  for (let port = claim.first; port <= claim.last; port++) {
    const one = refusalNow({ ...claim, first: port, last: port });
    if (one === undefined) continue;
    const own = one.errno === errno.addressInUse && belongTo(namespace, findHolders(claim.protocol, port));
    if (!own) return one;
  }
  return undefined;
}

function refusalNow(claim: PortClaim): KernelRefusal | undefined {
  try {
    for (const fd of bindAll(claim)) closeSocket(fd);
    return undefined;
  } catch (error) {
    if (error instanceof KernelError) return error.refusal;
    throw error;
  }
}
