/** TCP sockets without blocking. Reading and writing answer a count, or a negative errno; opening throws KernelError. */
import { accept, bind, closeSocket, connect, listen, setSocketOption, socket } from "../syscalls.ts";
import { domainOf } from "./address.ts";
import { errno, ipLevel, ipOption, nonBlocking, socketLevel, socketOption } from "./options.ts";

/** SOCK_STREAM */
const streamSocket = 1;

export interface ListenOptions {
  /** Takes connections by this device only. */
  readonly device?: string;
  /** How many connections may wait to be accepted. */
  readonly backlog: number;
}

/** Opens a TCP socket that listens at a socket address in the calling thread's namespace. */
export function listenStream(local: Uint8Array, { device, backlog }: ListenOptions): number {
  const fd = socket(domainOf(local), streamSocket | nonBlocking, 0);
  try {
    setSocketOption(fd, socketLevel, socketOption.reuseAddress, 1);
    if (device !== undefined) setSocketOption(fd, socketLevel, socketOption.bindToDevice, Buffer.from(`${device}\0`));
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
