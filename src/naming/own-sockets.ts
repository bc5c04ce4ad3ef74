/** The sockets of a sandbox's resolver, opened in the namespace where the thread is. */
import { encodeSocketAddress } from "../kernel/inet/address.ts";
import { openDatagram } from "../kernel/inet/datagram.ts";
import { errno } from "../kernel/inet/options.ts";
import { listenStream } from "../kernel/inet/stream.ts";
import { KernelError } from "../kernel/kernel.ts";
import { closeSocket } from "../kernel/syscalls.ts";
import { domainPort, portOf, redirect } from "./redirection.ts";

/** Where every resolver is: libnetwork's address. */
const ownAddress = Uint8Array.of(127, 0, 0, 11);
/** Nobody outside of a sandbox gets to its loopback device, whatever it lets itself be routed to. */
const device = "lo";
/** Bytes of queries that may wait, of which the kernel makes twice as many: more than a thousand queries. */
const receiveBuffer = 1 << 19;
const backlog = 64;
/** A port of the kernel's choice. */
const anyPort = 0;

/** What a kernel answers that has no nftables, or no tables that belong to a socket (before Linux 5.12). */
const withoutRedirection: readonly number[] = [errno.noEntry, errno.invalid, errno.noProtocol, errno.unsupported];

export interface OwnSockets {
  readonly datagrams: number;
  readonly listener: number;
  /** Ends what leads port 53 to them, where something does; closes neither. */
  endRedirection?(): void;
}

/** Opens them at a port; without one at any, and has port 53 lead there. Where the kernel cannot do that, port 53 is theirs. Throws KernelError. */
export function openOwnSockets(port: number | undefined): OwnSockets {
  if (port !== undefined) return openBoth(port);
  const sockets = openBoth(anyPort);
  try {
    const redirection = redirect({ udp: portOf(sockets.datagrams), tcp: portOf(sockets.listener) });
    return { ...sockets, endRedirection: () => redirection.close() };
  } catch (error) {
    closeSocket(sockets.datagrams);
    closeSocket(sockets.listener);
    if (error instanceof KernelError && withoutRedirection.includes(error.refusal.errno)) return openBoth(domainPort);
    throw error;
  }
}

function openBoth(port: number): OwnSockets {
  const local = encodeSocketAddress(ownAddress, port);
  const datagrams = openDatagram({ local, device, receiveBuffer });
  try {
    return { datagrams, listener: listenStream(local, { device, backlog }) };
  } catch (error) {
    closeSocket(datagrams);
    throw error;
  }
}
