/** What the resolver's thread is asked, and how it answers. */
import type { EndpointNames, PackedAddress } from "./records.ts";
import type { NamedSandbox, Nameserver, QueryRecord, ResolverCounters } from "./resolver.ts";

/** {@link NamedSandbox} with packed addresses, and nameservers with both. */
export interface SandboxNames extends Omit<NamedSandbox, "extraHosts" | "nameservers"> {
  readonly extraHosts: Readonly<Record<string, readonly PackedAddress[]>>;
  readonly nameservers: readonly PackedNameserver[];
}

export interface PackedNameserver extends Required<Nameserver> {
  readonly packed: PackedAddress;
}

/** Those about endpoints have no answer. */
export type Request =
  | { readonly kind: "set endpoint"; readonly endpoint: EndpointNames }
  | { readonly kind: "set sandbox"; readonly sandbox: SandboxNames }
  | { readonly kind: "remove endpoint" | "remove sandbox" | "counters" | "queries"; readonly id: string };

export type AnswerValue = ResolverCounters | readonly QueryRecord[] | undefined;
