/** What the resolver's thread is asked, and how it answers. */
import type { ErrorJson } from "../errors.ts";
import type { EndpointNames, PackedAddress } from "./records.ts";
import type { NamedSandbox, Nameserver, QueryRecord, ResolverCounters } from "./resolver.ts";

/** {@link NamedSandbox} with packed addresses, and nameservers with both. */
export interface SandboxNames extends Omit<NamedSandbox, "extraHosts" | "nameservers" | "port"> {
  readonly port: number;
  readonly extraHosts: Readonly<Record<string, readonly PackedAddress[]>>;
  readonly nameservers: readonly PackedNameserver[];
}

export interface PackedNameserver extends Required<Nameserver> {
  readonly packed: PackedAddress;
}

/** Requests without `call` have no answer. */
export type Request =
  | { readonly kind: "set endpoint"; readonly endpoint: EndpointNames }
  | { readonly kind: "remove endpoint"; readonly id: string }
  | { readonly kind: "set sandbox"; readonly call: number; readonly sandbox: SandboxNames }
  | { readonly kind: "remove sandbox" | "counters" | "queries"; readonly call: number; readonly id: string };

/** `fault` is one of the resolver's own, which nobody asked about. */
export type Answer =
  | { readonly call: number; readonly value?: AnswerValue; readonly error?: ErrorJson }
  | { readonly fault: string };

export type AnswerValue = ResolverCounters | readonly QueryRecord[] | undefined;

/** Words of 32 bits in the memory that both threads see: 1 ends the thread when it is woken, and by which descriptor it is woken (0: not yet). */
export const stopWord = 0;
export const wakerWord = 1;
export const sharedBytes = 8;
