/** A table of iptables-legacy in the form of nftables chains and rules. */
import type { Chain } from "../netlink/nftables/chain.ts";
import type { Expression } from "../netlink/nftables/expressions.ts";

export interface LegacyTable {
  readonly name: string;
  readonly chains: readonly Chain[];
  /** In the order in which they are asked. */
  readonly rules: readonly { readonly chain: string; readonly expressions: readonly Expression[] }[];
}
