/** Which ports of the host are published, and by whom; asked without looking at all of them. */
import type { IpAddress } from "../address/ip.ts";
import { countOf, type PortRange, type PublishedPort, type TransportProtocol } from "../address/port.ts";
import { Ranges } from "../address/ranges.ts";

/** A published port and who has it, in words. */
export interface PortHolder {
  readonly port: PublishedPort;
  readonly words: string;
}

/** Ports of one protocol by address; those of all addresses apart. */
interface Taken {
  readonly everywhere: Ranges<PortHolder>;
  readonly byAddress: Map<IpAddress, Ranges<PortHolder>>;
}

const span = ({ first, last }: PortRange) => ({ first: BigInt(first), last: BigInt(last) });

export class PortBook {
  readonly #taken = new Map<TransportProtocol, Taken>();
  /** Where the search for any free port goes on: a port that was just let go is not the next one given. */
  readonly #cursors = new Map<TransportProtocol, number>();

  #of(protocol: TransportProtocol): Taken {
    return this.#taken.getOrInsertComputed(protocol, () => ({ everywhere: new Ranges(), byAddress: new Map() }));
  }

  #rangesOf({ protocol, address }: PublishedPort): Ranges<PortHolder> {
    const { everywhere, byAddress } = this.#of(protocol);
    return address === undefined ? everywhere : byAddress.getOrInsertComputed(address, () => new Ranges());
  }

  /** Who has one of these ports: a port of all addresses and one of a single address exclude each other. */
  holderOf({ protocol, address, host }: PublishedPort): PortHolder | undefined {
    const { everywhere, byAddress } = this.#of(protocol);
    const others = address === undefined ? [...byAddress.values()] : [byAddress.get(address)];
    const { first, last } = span(host);
    for (const ranges of [everywhere, ...others]) {
      const found = ranges?.overlapping(first, last);
      if (found !== undefined) return found.holder;
    }
    return undefined;
  }

  /** Notes ports that nobody has. */
  take(holder: PortHolder): void {
    this.#rangesOf(holder.port).add({ ...span(holder.port.host), holder });
  }

  /** Forgets ports that were taken. */
  release(port: PublishedPort): void {
    const ranges = this.#rangesOf(port);
    ranges.remove(BigInt(port.host.first));
    if (port.address !== undefined && ranges.isEmpty) this.#of(port.protocol).byAddress.delete(port.address);
  }

  /** The two stretches in which any free port is looked for, in this order. */
  stretches(protocol: TransportProtocol, within: PortRange): readonly PortRange[] {
    const cursor = this.#cursors.get(protocol) ?? within.first;
    if (cursor <= within.first || cursor > within.last) return [within];
    return [
      { first: cursor, last: within.last },
      { first: within.first, last: cursor - 1 },
    ];
  }

  /** Notes that a search for any free port ended there. */
  pass({ protocol, host }: PublishedPort): void {
    this.#cursors.set(protocol, host.first + countOf(host));
  }
}
