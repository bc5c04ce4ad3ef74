/** Which endpoint a port of the host is proxied to, found among ten thousand as fast as among one. */
import { ipToBytes } from "../address/ip.ts";
import type { ProxiedPort } from "../address/port.ts";
import { Ranges } from "../address/ranges.ts";
import { encodeSocketAddress } from "../kernel/inet/address.ts";

/** Something under way that ends with the port it came by. */
export interface UnderWay {
  end(): void;
}

/** Where ports in a row lead. */
export class Target {
  readonly port: ProxiedPort;
  readonly underWay = new Set<UnderWay>();
  readonly #inside: Uint8Array;

  constructor(port: ProxiedPort) {
    this.port = port;
    this.#inside = ipToBytes(port.inside);
  }

  /** The sandbox's socket address for one of the host's ports. */
  socketAddress(hostPort: number): Buffer {
    const { host, container } = this.port;
    return encodeSocketAddress(this.#inside, container.first + hostPort - host.first);
  }
}

/** The bytes of an address as a key. */
const packed = (address: Uint8Array): string => Buffer.from(address).toString("latin1");

/** Ports of one protocol by the host's address; those of all addresses apart. */
interface Targets {
  readonly everywhere: Ranges<Target>;
  readonly byAddress: Map<string, Ranges<Target>>;
}

export class ProxiedTable {
  readonly #targets: Readonly<Record<ProxiedPort["protocol"], Targets>> = {
    tcp: { everywhere: new Ranges(), byAddress: new Map() },
    udp: { everywhere: new Ranges(), byAddress: new Map() },
  };

  /** Adds ports that lead nowhere yet. */
  add(target: Target): void {
    const { protocol, address, host } = target.port;
    const { everywhere, byAddress } = this.#targets[protocol];
    const ranges =
      address === undefined
        ? everywhere
        : byAddress.getOrInsertComputed(packed(ipToBytes(address)), () => new Ranges<Target>());
    ranges.add({ first: BigInt(host.first), last: BigInt(host.last), holder: target });
  }

  /** Removes ports that were added. */
  remove({ port }: Target): void {
    const { protocol, address, host } = port;
    const { everywhere, byAddress } = this.#targets[protocol];
    const key = address === undefined ? "" : packed(ipToBytes(address));
    const ranges = address === undefined ? everywhere : byAddress.get(key);
    ranges?.remove(BigInt(host.first));
    if (address !== undefined && ranges?.isEmpty) byAddress.delete(key);
  }

  /** Where a port of one of the host's addresses (16 bytes) leads. */
  find(protocol: ProxiedPort["protocol"], address: Uint8Array, port: number): Target | undefined {
    const { everywhere, byAddress } = this.#targets[protocol];
    const number = BigInt(port);
    const own = byAddress.size === 0 ? undefined : byAddress.get(packed(address));
    return (own?.overlapping(number, number) ?? everywhere.overlapping(number, number))?.holder;
  }
}
