/** The sockets of a sandbox's resolver, opened in the namespace where the thread is. */
import { encodeSocketAddress } from "../kernel/inet/address.ts";
import { openDatagram } from "../kernel/inet/datagram.ts";
import { errno } from "../kernel/inet/options.ts";
import { listenStream } from "../kernel/inet/stream.ts";
import { KernelError } from "../kernel/kernel.ts";
import { closeSocket } from "../kernel/syscalls.ts";
import { domainPort, type Ports, portOf, Redirection, redirectionTo, type Transaction } from "./redirection.ts";

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
  /** What leads port 53 to them, where something does. */
  readonly redirection?: Redirection;
}

/** Opens sockets sandbox by sandbox: at the same ports in each as long as they are free there, so that what leads to them is made once. */
export class SocketOpener {
  #ports: Ports = { udp: anyPort, tcp: anyPort };
  /** What leads to these, by whether it lasts. */
  readonly #transactions = new Map<boolean, Transaction>();
  /** Whether the kernel knows tables that outlive their owner. */
  #canLast = true;

  /**
   * Opens them at a port; without one at any, and has port 53 lead there. Where the kernel cannot do that, port 53 is theirs. `lasting`: what leads there stays when the process
   * has ended. Throws KernelError.
   */
  open(port: number | undefined, lasting: boolean): OwnSockets {
    if (port !== undefined) return openBoth({ udp: port, tcp: port });
    const sockets = this.#openSomewhere();
    try {
      return { ...sockets, redirection: this.#redirect(sockets, lasting) };
    } catch (error) {
      closeSocket(sockets.datagrams);
      closeSocket(sockets.listener);
      if (!isRefusal(error, withoutRedirection)) throw error;
      return openBoth({ udp: domainPort, tcp: domainPort });
    }
  }

  #openSomewhere(): OwnSockets {
    try {
      return openBoth(this.#ports);
    } catch (error) {
      if (!isRefusal(error, [errno.addressInUse])) throw error;
      return openBoth({ udp: anyPort, tcp: anyPort });
    }
  }

  #redirect({ datagrams, listener }: OwnSockets, lasting: boolean): Redirection {
    const ports = { udp: portOf(datagrams), tcp: portOf(listener) };
    if (ports.udp !== this.#ports.udp || ports.tcp !== this.#ports.tcp) {
      this.#ports = ports;
      this.#transactions.clear();
    }
    const lasts = lasting && this.#canLast;
    try {
      return Redirection.begin(this.#transactions.getOrInsertComputed(lasts, () => redirectionTo(ports, lasts)));
    } catch (error) {
      if (!lasts || !isRefusal(error, withoutRedirection)) throw error;
      this.#canLast = false;
      return this.#redirect({ datagrams, listener }, false);
    }
  }
}

const isRefusal = (error: unknown, errnos: readonly number[]): boolean =>
  error instanceof KernelError && errnos.includes(error.refusal.errno);

function openBoth({ udp, tcp }: Ports): OwnSockets {
  const datagrams = openDatagram({ local: encodeSocketAddress(ownAddress, udp), device, receiveBuffer });
  try {
    return { datagrams, listener: listenStream(encodeSocketAddress(ownAddress, tcp), { device, backlog }) };
  } catch (error) {
    closeSocket(datagrams);
    throw error;
  }
}
