/** Who is there, network by network: each name and address once, however many sandboxes see the network. */
import { isDeepStrictEqual } from "node:util";
import { keptName } from "./wire/name.ts";

/** An address as its 4 or 16 bytes in latin1 text: a key, and a quarter of what an array of bytes weighs. */
export type PackedAddress = string;

/** {@link NamedEndpoint} of resolver.ts with packed addresses. */
export interface EndpointNames {
  readonly id: string;
  readonly networkId: string;
  readonly networkName: string;
  readonly names: readonly string[];
  readonly addresses: readonly PackedAddress[];
}

/** The names of one network. */
export interface NetworkNames {
  /** As a kept name (wire/name.ts). */
  readonly name: string;
  readonly byName: Map<string, EndpointNames[]>;
  /** The endpoint that a reverse look-up finds. */
  readonly byAddress: Map<PackedAddress, EndpointNames>;
}

export class Records {
  readonly #endpoints = new Map<string, EndpointNames>();
  readonly #networks = new Map<string, NetworkNames>();

  /** Records an endpoint, instead of what was known of it; whether that changed anything. */
  set(endpoint: EndpointNames): boolean {
    const before = this.#endpoints.get(endpoint.id);
    if (before !== undefined && isDeepStrictEqual(before, endpoint)) return false;
    if (before !== undefined) this.remove(before.id);
    this.#endpoints.set(endpoint.id, endpoint);
    const network = this.#networkFor(endpoint);
    for (const name of new Set(endpoint.names.map(keptName))) {
      const others = network.byName.get(name);
      if (others === undefined) network.byName.set(name, [endpoint]);
      else others.push(endpoint);
    }
    for (const address of endpoint.addresses) network.byAddress.set(address, endpoint);
    return true;
  }

  /** Forgets an endpoint; whether it was known. */
  remove(id: string): boolean {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return false;
    this.#endpoints.delete(id);
    const network = this.#networks.get(endpoint.networkId);
    if (network === undefined) return true;
    for (const name of new Set(endpoint.names.map(keptName))) {
      const others = network.byName.get(name)?.filter((other) => other !== endpoint) ?? [];
      if (others.length === 0) network.byName.delete(name);
      else network.byName.set(name, others);
    }
    for (const address of endpoint.addresses) {
      if (network.byAddress.get(address) === endpoint) network.byAddress.delete(address);
    }
    if (network.byName.size === 0 && network.byAddress.size === 0) this.#networks.delete(endpoint.networkId);
    return true;
  }

  /** The names of a network; undefined where nobody is in it. */
  network(id: string): NetworkNames | undefined {
    return this.#networks.get(id);
  }

  #networkFor({ networkId, networkName }: EndpointNames): NetworkNames {
    const name = keptName(networkName);
    let network = this.#networks.get(networkId);
    if (network === undefined || network.name !== name) {
      network = { name, byName: network?.byName ?? new Map(), byAddress: network?.byAddress ?? new Map() };
      this.#networks.set(networkId, network);
    }
    return network;
  }
}
