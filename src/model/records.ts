/** The records in memory, with the indexes that look-ups and rules need. */
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "../store/records.ts";

/** Who is told of records that change: what was, and what is. */
export interface RecordsWatcher {
  endpoint(before: EndpointRecord | undefined, after: EndpointRecord | undefined): void;
  sandbox(before: SandboxRecord | undefined, after: SandboxRecord | undefined): void;
}

export class Records {
  readonly #watchers: RecordsWatcher[] = [];
  readonly networks = new Map<string, NetworkRecord>();
  readonly sandboxes = new Map<string, SandboxRecord>();
  readonly endpoints = new Map<string, EndpointRecord>();
  readonly #networkNames = new Map<string, string>();
  readonly #sandboxNames = new Map<string, string>();
  readonly #byNetwork = new Map<string, Set<string>>();
  readonly #bySandbox = new Map<string, Set<string>>();
  readonly #endpointNames = new Map<string, string>();
  readonly #macs = new Set<string>();
  readonly #joined = new Map<string, number>();
  /** Ids of the endpoints with link-local addresses of their own, by `NETWORKID ADDRESS`. */
  readonly #linkLocals = new Map<string, string>();

  /** Tells of every change from now on, as soon as it is one. */
  watch(watcher: RecordsWatcher): void {
    this.#watchers.push(watcher);
  }

  networkNamed(name: string): NetworkRecord | undefined {
    return this.networks.get(this.#networkNames.get(name) ?? "");
  }

  sandboxNamed(name: string): SandboxRecord | undefined {
    return this.sandboxes.get(this.#sandboxNames.get(name) ?? "");
  }

  endpointNamed(networkId: string, name: string): EndpointRecord | undefined {
    return this.endpoints.get(this.#endpointNames.get(`${networkId} ${name}`) ?? "");
  }

  endpointsOfNetwork(id: string): readonly EndpointRecord[] {
    return this.#endpointsIn(this.#byNetwork.get(id));
  }

  endpointsOfSandbox(id: string): readonly EndpointRecord[] {
    return this.#endpointsIn(this.#bySandbox.get(id));
  }

  #endpointsIn(ids: ReadonlySet<string> | undefined): readonly EndpointRecord[] {
    return [...(ids ?? [])].flatMap((id) => this.endpoints.get(id) ?? []);
  }

  /** How many endpoints a network has. */
  endpointCount(networkId: string): number {
    return this.#byNetwork.get(networkId)?.size ?? 0;
  }

  /** How many endpoints of a network are in a sandbox. */
  joinedCount(networkId: string): number {
    return this.#joined.get(networkId) ?? 0;
  }

  /** Whether an endpoint of the network has that MAC. */
  hasMac(networkId: string, mac: string): boolean {
    return this.#macs.has(`${networkId} ${mac}`);
  }

  /** The endpoint of the network that has a link-local address of the user's choice. */
  linkLocalHolder(networkId: string, address: string): EndpointRecord | undefined {
    return this.endpoints.get(this.#linkLocals.get(`${networkId} ${address}`) ?? "");
  }

  putNetwork(record: NetworkRecord): void {
    this.networks.set(record.id, record);
    this.#networkNames.set(record.name, record.id);
  }

  deleteNetwork({ id, name }: NetworkRecord): void {
    this.networks.delete(id);
    this.#joined.delete(id);
    this.#networkNames.delete(name);
  }

  putSandbox(record: SandboxRecord): void {
    const before = this.sandboxes.get(record.id);
    this.sandboxes.set(record.id, record);
    this.#sandboxNames.set(record.name, record.id);
    for (const watcher of this.#watchers) watcher.sandbox(before, record);
  }

  deleteSandbox(record: SandboxRecord): void {
    this.sandboxes.delete(record.id);
    this.#sandboxNames.delete(record.name);
    for (const watcher of this.#watchers) watcher.sandbox(record, undefined);
  }

  putEndpoint(record: EndpointRecord): void {
    const before = this.endpoints.get(record.id);
    if (before !== undefined) this.#forget(before);
    const { id, networkId, name, mac, linkLocal = [], join } = record;
    this.endpoints.set(id, record);
    this.#endpointNames.set(`${networkId} ${name}`, id);
    this.#byNetwork.getOrInsertComputed(networkId, () => new Set()).add(id);
    if (join !== undefined) {
      this.#bySandbox.getOrInsertComputed(join.sandboxId, () => new Set()).add(id);
      this.#joined.set(networkId, this.joinedCount(networkId) + 1);
    }
    if (mac !== undefined) this.#macs.add(`${networkId} ${mac}`);
    for (const address of linkLocal) this.#linkLocals.set(`${networkId} ${address}`, id);
    for (const watcher of this.#watchers) watcher.endpoint(before, record);
  }

  deleteEndpoint(record: EndpointRecord): void {
    this.#forget(record);
    for (const watcher of this.#watchers) watcher.endpoint(record, undefined);
  }

  #forget({ id, networkId, name, mac, linkLocal = [], join }: EndpointRecord): void {
    this.endpoints.delete(id);
    this.#endpointNames.delete(`${networkId} ${name}`);
    removeFrom(this.#byNetwork, networkId, id);
    if (join !== undefined) {
      removeFrom(this.#bySandbox, join.sandboxId, id);
      this.#joined.set(networkId, this.joinedCount(networkId) - 1);
    }
    if (mac !== undefined) this.#macs.delete(`${networkId} ${mac}`);
    for (const address of linkLocal) this.#linkLocals.delete(`${networkId} ${address}`);
  }
}

function removeFrom(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  ids?.delete(id);
  if (ids?.size === 0) index.delete(key);
}
