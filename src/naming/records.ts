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
  readonly byName: Map<string, readonly EndpointNames[]>;
  /** The first one is who a reverse look-up finds. */
  readonly byAddress: Map<PackedAddress, readonly EndpointNames[]>;
}

function add<Key>(map: Map<Key, readonly EndpointNames[]>, key: Key, endpoint: EndpointNames): void {
  const others = map.get(key);
  // Mostly it is the only one: a list that is written out has no room for more.
  map.set(key, others === undefined ? [endpoint] : [...others, endpoint]);
}

function take<Key>(map: Map<Key, readonly EndpointNames[]>, key: Key, endpoint: EndpointNames): void {
  const others = map.get(key)?.filter((other) => other !== endpoint) ?? [];
  if (others.length === 0) map.delete(key);
  else map.set(key, others);
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
    for (const name of new Set(endpoint.names.map(keptName))) add(network.byName, name, endpoint);
    for (const address of new Set(endpoint.addresses)) add(network.byAddress, address, endpoint);
    return true;
  }

  /** Forgets an endpoint; whether it was known. */
  remove(id: string): boolean {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return false;
    this.#endpoints.delete(id);
    const network = this.#networks.get(endpoint.networkId);
    if (network === undefined) return true;
    for (const name of new Set(endpoint.names.map(keptName))) take(network.byName, name, endpoint);
    for (const address of endpoint.addresses) take(network.byAddress, address, endpoint);
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
