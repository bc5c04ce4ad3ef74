/**
 * The state store: what the engine must still know after a kill. One interface for the local store (SQLite) and the cluster
 * store (etcd); records are plain JSON documents, keyed by collection and id, and written in atomic commits.
 */
import type { CollectionName, Collections, StoreChange } from "./records.ts";

export type StoreState = { readonly [Name in CollectionName]: readonly Collections[Name][] };

export interface Store {
  /** Everything that is stored; records by `created` where they have one, then by id: one that is taken out and put back finds its place again. */
  load(): Promise<StoreState>;
  /** Writes all changes or none: they survive the end of the process. Throws `store`. */
  commit(changes: readonly StoreChange[]): Promise<void>;
  /** Resolves when what was committed before the call survives a power failure, too. Throws `store`. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
