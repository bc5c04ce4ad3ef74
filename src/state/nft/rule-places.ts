/**
 * Where rules go within a transaction. The kernel knows rules by handles that only it gives, so a chain that was there before is
 * listed once; from then on the picture of it here follows the messages.
 */
import { type Kernel, KernelError } from "../../kernel/kernel.ts";
import type { NetlinkMessage } from "../../kernel/netlink/message.ts";
import { decodeRule, deleteRule, getRules, newRule } from "../../kernel/netlink/nftables/rule.ts";
import type { NftChain, NftRule } from "../objects.ts";
import { parseRuleComment, ruleComment } from "./ownership.ts";

/** One of our rules in a chain: there already, or made by this transaction. */
interface Placed {
  readonly id: string;
  readonly position: number;
  readonly known: { readonly handle: bigint } | { readonly id: number };
}

const chainKey = (family: NftRule["family"], table: string, chain: string): string => `${family} ${table} ${chain}`;

export class RulePlaces {
  readonly #kernel: Kernel;
  /** Our rules by chain, in the order in which they stand; others' rules among them do not count. */
  readonly #chains = new Map<string, Placed[]>();
  #made = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Notes that the transaction makes a chain: it is empty and needs no look. */
  begin({ family, table, name }: NftChain): void {
    this.#chains.set(chainKey(family, table, name), []);
  }

  #rulesOf(rule: NftRule): Placed[] {
    const chain = chainKey(rule.family, rule.table, rule.chain);
    const known = this.#chains.get(chain) ?? list(this.#kernel, rule);
    this.#chains.set(chain, known);
    return known;
  }

  /** The message that adds a rule where its position says. */
  insert(rule: NftRule): NetlinkMessage {
    const rules = this.#rulesOf(rule);
    const found = rules.findIndex(({ position }) => position > rule.position);
    const at = found === -1 ? rules.length : found;
    const before = rules[at]?.known;
    this.#made++;
    const id = this.#made;
    rules.splice(at, 0, { id: rule.id, position: rule.position, known: { id } });
    const { table, chain, expressions, family } = rule;
    const place = { id, ...(before && { before }) };
    return newRule({ table, chain, expressions, comment: ruleComment(rule) }, place, family);
  }

  /** The messages that delete a rule: one, none where it is gone already, several where somebody doubled it. */
  remove(rule: NftRule): readonly NetlinkMessage[] {
    const rules = this.#rulesOf(rule);
    return rules
      .filter(({ id }) => id === rule.id)
      .flatMap((placed) => {
        rules.splice(rules.indexOf(placed), 1);
        return "handle" in placed.known ? [deleteRule(rule.table, rule.chain, placed.known.handle, rule.family)] : [];
      });
  }
}

/** Our rules of a chain; none where table or chain are gone, which the kernel then says of the transaction's own messages. */
function list(kernel: Kernel, { namespace, table, chain, family }: NftRule): Placed[] {
  try {
    return kernel.dump(namespace, "netfilter", getRules(table, chain, family)).flatMap((message) => {
      const rule = decodeRule(message, family);
      const own = parseRuleComment(rule?.comment);
      if (rule === undefined || own === undefined || rule.chain !== chain || rule.table !== table) return [];
      return [{ ...own, known: { handle: rule.handle } }];
    });
  } catch (error) {
    if (error instanceof KernelError && error.refusal.code === "ENOENT") return [];
    throw error;
  }
}
