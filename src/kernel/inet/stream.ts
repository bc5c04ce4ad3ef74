/** TCP sockets without blocking. Reading and writing answer a count, or a negative errno; opening throws KernelError. */
import { accept, bind, closeSocket, connect, listen, setSocketOption, socket, socketOptionOf } from "../syscalls.ts";
import { domainOf, socketAddressLength } from "./address.ts";
import {
  errno,
  ipLevel,
  ipOption,
  ipv6Level,
  ipv6Option,
  nonBlocking,
  socketLevel,
  socketOption,
  tcpLevel,
  tcpOption,
} from "./options.ts";

/** SOCK_STREAM */
const streamSocket = 1;

export interface ListenOptions {
  /** Takes connections by this device only. */
  readonly device?: string;
  /** Takes IPv6 connections only. */
  readonly ipv6Only?: boolean;
  /** How many connections may wait to be accepted. */
  readonly backlog: number;
}

/** Opens a TCP socket that listens at a socket address in the calling thread's namespace. */
export function listenStream(local: Uint8Array, { device, ipv6Only = false, backlog }: ListenOptions): number {
  const fd = socket(domainOf(local), streamSocket | nonBlocking, 0);
  try {
    setSocketOption(fd, socketLevel, socketOption.reuseAddress, 1);
    if (device !== undefined) setSocketOption(fd, socketLevel, socketOption.bindToDevice, Buffer.from(`${device}\0`));
    if (ipv6Only) setSocketOption(fd, ipv6Level, ipv6Option.ipv6Only, 1);
    setSocketOption(fd, ipLevel, ipOption.freeBind, 1);
    bind(fd, local);
    listen(fd, backlog);
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  return fd;
}

/** The next connection that waits at a listening socket, or a negative errno. */
export function acceptStream(fd: number): number {
  return accept(fd, nonBlocking);
}

/** Begins a connection; it is there, or has failed, when the socket can be written to. */
export function connectStream(peer: Uint8Array): number {
  const fd = socket(domainOf(peer), streamSocket | nonBlocking, 0);
  try {
    connect(fd, peer, [errno.inProgress]);
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  return fd;
}

const word = new Uint8Array(4);

/** What became of a connection that was begun: 0, or a negative errno. Asked once, the answer is gone. */
export function connectionError(fd: number): number {
  const failed = socketOptionOf(fd, socketLevel, socketOption.error, word);
  return failed < 0 ? failed : -new DataView(word.buffer).getInt32(0, true);
}

/** The IPv6 socket address to which a connection was made before it was translated; undefined for one that nobody tracks. */
export function originalDestination(fd: number): Buffer | undefined {
  const address = Buffer.from(new ArrayBuffer(socketAddressLength[6]));
  return socketOptionOf(fd, ipv6Level, ipv6Option.originalDestination, address) < 0 ? undefined : address;
}

/** Seconds without a packet before the peer is asked whether it is there, between such questions, and how many it may leave without an answer. */
const keepAliveTimes = { idle: 120, interval: 30, count: 4 } as const;

/** Sends at once what is written. */
export function sendAtOnce(fd: number): void {
  setSocketOption(fd, tcpLevel, tcpOption.noDelay, 1);
}

/** Notices a peer that is gone. What a listening socket was told, the connections that it accepts know. */
export function keepAlive(fd: number): void {
  setSocketOption(fd, socketLevel, socketOption.keepAlive, 1);
  setSocketOption(fd, tcpLevel, tcpOption.keepIdle, keepAliveTimes.idle);
  setSocketOption(fd, tcpLevel, tcpOption.keepInterval, keepAliveTimes.interval);
  setSocketOption(fd, tcpLevel, tcpOption.keepCount, keepAliveTimes.count);
}

/** struct linger: on, and 0 seconds. */
const atOnce = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

/** Has the peer told of a failure (RST) when the connection is closed, whatever was not sent yet. */
export function resetAtClose(fd: number): void {
  setSocketOption(fd, socketLevel, socketOption.linger, atOnce);
}
