/** Names, as the model's operations use them while the process lives on. */
import type { QueryRecord, ResolverCounters } from "../naming/resolver.ts";
import type { EndpointRecord, SandboxRecord } from "../store/records.ts";

export interface NameService {
  /** Serves a sandbox as it will be, so that names answer as soon as it is; {@link NameService.refresh} takes it back. */
  prepare(sandbox: SandboxRecord, endpoints: readonly EndpointRecord[]): void;
  /** Serves a sandbox as it is. */
  refresh(id: string): void;
  /** Resolves when a sandbox is served, or cannot be: from then on what is told of it holds for every query that comes later. */
  ready(id: string): Promise<void>;
  queries(id: string): Promise<readonly QueryRecord[]>;
  /** Undefined where the sandbox has no resolver. */
  counters(id: string): Promise<ResolverCounters | undefined>;
  /** Resolves when the resolver knows everything that it was told. */
  settle(): Promise<void>;
  close(): Promise<void>;
}
