/** The nftables objects of the host's firewall. */

import type { NamespaceRef } from "../kernel/kernel.ts";
import type { Expression } from "../kernel/netlink/nftables/expressions.ts";

/** What all nftables objects have. */
interface NftBase {
  readonly namespace: NamespaceRef;
  /** The family of its table: frames that come in by a bridge's ports. Absent: inet. */
  readonly family?: "bridge";
}

export interface NftTable extends NftBase {
  readonly kind: "nft-table";
  readonly name: string;
  /** Lives no longer than the engine that makes it, cannot be flushed away by others, and is not read back. */
  readonly owned?: true;
}

export interface NftChain extends NftBase {
  readonly kind: "nft-chain";
  readonly table: string;
  readonly name: string;
  /** Present for a base chain. */
  readonly base?: {
    readonly type: "filter" | "nat" | "route";
    readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
    readonly priority: number;
    readonly policy: "accept" | "drop";
  };
}

/** What a key or a datum of a set is made of, in nft's words. */
export type NftDataType =
  | "ipv4_addr"
  | "ipv6_addr"
  | "ether_addr"
  | "inet_proto"
  | "inet_service"
  | "ifname"
  | "mark"
  | "verdict";

/** What a set holds. */
export interface NftSetType {
  /** Parts of the key; several make a concatenation. */
  readonly key: readonly NftDataType[];
  /** Present for a map: parts of the value, or `["verdict"]`. */
  readonly data?: readonly NftDataType[];
  /** Elements may be ranges and prefixes. */
  readonly interval?: boolean;
}

export interface NftSet extends NftSetType, NftBase {
  readonly kind: "nft-set";
  readonly table: string;
  readonly name: string;
}

/** One part of a key: a value in text (`10.0.0.1`, `tcp`, `80`, `br-front`), a range of two, or a prefix. */
export type NftKeyPart = string | { readonly from: string; readonly to: string } | { readonly prefix: string };

/** An element of a set or map; `nftElement` of src/state/nft/elements makes one of its set. */
export interface NftElement extends NftBase {
  readonly kind: "nft-element";
  readonly table: string;
  readonly set: string;
  /** The set's own, so that the element is complete in itself: it becomes bytes without asking the kernel about its set. */
  readonly type: NftSetType;
  readonly key: readonly NftKeyPart[];
  /** For a map: values in text, or a verdict such as `["drop"]`, `["jump NAME"]`. */
  readonly data?: readonly string[];
}

export interface NftRule extends NftBase {
  readonly kind: "nft-rule";
  readonly table: string;
  readonly chain: string;
  /** Our name for the rule, kept in the kernel as its comment: unique in the chain. */
  readonly id: string;
  /** Rules of a chain stand in ascending order of this number. */
  readonly position: number;
  readonly expressions: readonly Expression[];
  /** Told by observe alone: the rule does not stand where its position says, and has to be made again. */
  readonly misplaced?: true;
}
