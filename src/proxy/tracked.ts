/** What the kernel's connection tracking knows of datagrams: where they were to go before they were led to the proxy. */
import { networkInterfaces } from "node:os";
import { bytesToIp } from "../address/ip.ts";
import type { ProxiedPort } from "../address/port.ts";
import { KernelError } from "../kernel/kernel.ts";
import { decodeFlow, deleteFlow, type Flow, getFlowAnsweredBy, getFlows } from "../kernel/netlink/conntrack/flow.ts";
import { NetlinkSocket } from "../kernel/netlink/socket.ts";

/** IPPROTO_UDP */
const udp = 17;

export class Tracked {
  readonly #socket = new NetlinkSocket("conntrack");

  /** The tracked flow of datagrams that came from `peer` to `port` of our address `own`; undefined where there is none. Throws KernelError. */
  flowOf(
    peer: { readonly address: Uint8Array; readonly port: number },
    own: Uint8Array,
    port: number,
  ): Flow | undefined {
    const request = getFlowAnsweredBy({
      source: bytesToIp(own),
      destination: bytesToIp(peer.address),
      protocol: udp,
      sourcePort: port,
      destinationPort: peer.port,
    });
    try {
      for (const message of this.#socket.get(request)) return decodeFlow(message);
    } catch (error) {
      if (!(error instanceof KernelError && error.refusal.code === "ENOENT")) throw error;
    }
    return undefined;
  }

  /** Forgets a flow; no error where it has ended by itself. */
  forget(flow: Flow): void {
    this.#socket.execute([deleteFlow(flow)]);
  }

  /**
   * Forgets the flows to proxied ports of the host that do not come to the proxy's `port`: they began before, and whoever sends without a pause would never reach
   * the sandbox. Throws KernelError.
   */
  forgetUnled(ports: readonly ProxiedPort[], port: number): void {
    if (ports.length === 0) return;
    const [one] = ports;
    const only = ports.length === 1 && one?.host.first === one?.host.last ? one?.host.first : undefined;
    let own: ReadonlySet<string> | undefined;
    const isOwn = (address: string): boolean => {
      own ??= ownAddresses();
      return own.has(address);
    };
    for (const message of this.#socket.dump(getFlows(6, udp, only))) {
      const flow = decodeFlow(message);
      if (flow === undefined || flow.protocol !== udp) continue;
      const { destination, destinationPort, answerer } = flow;
      const concerned = ports.some(
        ({ address, host }) =>
          destinationPort >= host.first &&
          destinationPort <= host.last &&
          (address === undefined ? isOwn(destination) : address === destination),
      );
      if (concerned && !(answerer.address === destination && answerer.port === port)) this.forget(flow);
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** IPv6 addresses of the host. */
const ownAddresses = (): ReadonlySet<string> =>
  new Set(
    Object.values(networkInterfaces())
      .flat()
      .flatMap((one) => (one?.family === "IPv6" ? [one.address] : [])),
  );
