/**
 * The state store: what the engine must still know after a kill. One interface for the local store (SQLite) and the cluster
 * store (etcd); records are plain JSON documents, keyed by collection and id, and written in atomic commits.
 */
import type { Collections } from "./records.ts";

export type CollectionName = keyof Collections;

/** One write; a commit is a list of them, all or none. */
export type StoreChange = {
  [Name in CollectionName]:
    | { readonly op: "put"; readonly collection: Name; readonly record: Collections[Name] }
    | { readonly op: "delete"; readonly collection: Name; readonly id: string };
}[CollectionName];

export type StoreState = { readonly [Name in CollectionName]: readonly Collections[Name][] };

export interface Store {
  /** Everything that is stored; records by `created` where they have one, then by id: one that is taken out and put back finds its place again. */
  load(): Promise<StoreState>;
  /**
   * Writes all changes or none. A durable commit survives a power failure (networks); an ordinary one survives the end of the process
   * (endpoints, which die with the machine anyway). Throws `store`.
   */
  commit(changes: readonly StoreChange[], options?: { readonly durable?: boolean }): Promise<void>;
  close(): Promise<void>;
}
