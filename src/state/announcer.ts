/**
 * Tells the link who has an address that a plan has made: neighbours that knew another holder would go on sending to him until their tables forget. The first time as
 * soon as the plan's answer is on its way, which saves the caller 100 µs, the rest as time goes by, as long as the address is there. Best effort: nothing waits for
 * it, and nothing fails by it.
 */
import { addressOf } from "../address/cidr.ts";
import { familyOf, type IpAddress, type Ipv4Address, type Ipv6Address } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import { type Kernel, KernelError, type NamespaceRef, type PacketSocket } from "../kernel/kernel.ts";
import { arpAnnouncement } from "../kernel/packet/arp.ts";
import { neighbourAnnouncement } from "../kernel/packet/neighbour-discovery.ts";
import { linkKey } from "./kind.ts";
import { address } from "./kinds/address.ts";
import type { Address } from "./objects.ts";
import type { Plan } from "./plan-types.ts";

/** The addresses of one link that are told. */
interface Series {
  readonly socket: PacketSocket;
  /** Frames by address. */
  readonly frames: Map<string, Uint8Array>;
  timer: NodeJS.Timeout | undefined;
}

function frameOf(mac: MacAddress, address: IpAddress): Uint8Array {
  // The family says which of the two it is.
  return familyOf(address) === 4
    ? arpAnnouncement(mac, address as Ipv4Address)
    : neighbourAnnouncement(mac, address as Ipv6Address);
}

export class Announcer {
  readonly #kernel: Kernel;
  /** Addresses that were made and not told yet, by their key. */
  readonly #made = new Map<string, Address>();
  #soon: NodeJS.Immediate | undefined;
  /** What is told, by the key of the link. */
  readonly #series = new Map<string, Series>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Forgets the addresses that a plan is about to take away. */
  forget(plan: Plan): void {
    if (this.#series.size === 0 && this.#made.size === 0) return;
    for (const { action, object } of plan) {
      if (action !== "delete" || object.kind !== "address") continue;
      this.#made.delete(address.key(object));
      const key = linkKey(object.namespace, object.link);
      const series = this.#series.get(key);
      series?.frames.delete(object.address);
      if (series?.frames.size === 0) this.#end(key);
    }
  }

  /** Tells of the addresses that a plan has made. */
  begin(plan: Plan): void {
    for (const { action, object } of plan) {
      if (action === "create" && object.kind === "address" && object.announce !== undefined)
        this.#made.set(address.key(object), object);
    }
    if (this.#made.size > 0) this.#soon ??= setImmediate(() => this.#beginNow());
  }

  #beginNow(): void {
    this.#soon = undefined;
    const made = [...this.#made.values()];
    this.#made.clear();
    for (const [key, addresses] of Map.groupBy(made, ({ namespace, link }) => linkKey(namespace, link)))
      this.#beginSeries(key, addresses);
  }

  #beginSeries(key: string, addresses: readonly Address[]): void {
    const [first] = addresses;
    if (first?.announce === undefined) return;
    this.#end(key);
    const socket = this.#open(first.namespace, first.link);
    if (socket === undefined) return;
    const frames = new Map(addresses.map((one) => [one.address, frameOf(socket.mac, addressOf(one.address))]));
    this.#series.set(key, { socket, frames, timer: undefined });
    this.#tell(key, first.announce.messages, first.announce.interval);
  }

  /** Nothing where the link went in the meantime, or the process may not open such sockets. */
  #open(namespace: NamespaceRef, link: string): PacketSocket | undefined {
    try {
      return this.#kernel.openPackets(namespace, link, "send");
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  #tell(key: string, messages: number, interval: number): void {
    const series = this.#series.get(key);
    if (series === undefined) return;
    series.socket.post([...series.frames.values()]);
    if (messages <= 1) {
      this.#end(key);
      return;
    }
    series.timer = setTimeout(() => this.#tell(key, messages - 1, interval), interval);
    // A command that ends before then has told it once.
    series.timer.unref();
  }

  #end(key: string): void {
    const series = this.#series.get(key);
    if (series === undefined) return;
    this.#series.delete(key);
    clearTimeout(series.timer);
    series.socket.close();
  }

  /** Tells for the first time what was not told yet, and no more. */
  close(): void {
    clearImmediate(this.#soon);
    this.#beginNow();
    for (const key of [...this.#series.keys()]) this.#end(key);
  }
}
