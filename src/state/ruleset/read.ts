/** The ruleset of the host as everybody has made it: tables of nftables in the families that see routed packets, and the kernel's own tables of iptables. */
import type { Family } from "../../address/ip.ts";
import { type Kernel, KernelError } from "../../kernel/kernel.ts";
import { type BaseChain, decodeChain, getChains } from "../../kernel/netlink/nftables/chain.ts";
import { type ElementForm, getElements, readElements, type SetElement } from "../../kernel/netlink/nftables/element.ts";
import type { Expression } from "../../kernel/netlink/nftables/expressions.ts";
import { routedFamilies, type TableFamily } from "../../kernel/netlink/nftables/message.ts";
import { decodeRule, getRules } from "../../kernel/netlink/nftables/rule.ts";
import { decodeSetShape, getSets } from "../../kernel/netlink/nftables/set.ts";

export type RulesetElement = SetElement;

export interface RulesetChain {
  readonly name: string;
  /** Present for a chain that hangs on a hook. */
  readonly base?: BaseChain;
  readonly rules: readonly (readonly Expression[])[];
}

export interface RulesetTable {
  readonly family: TableFamily;
  readonly name: string;
  /** Of iptables-legacy: nftables does not know it. */
  readonly legacy?: true;
  readonly chains: ReadonlyMap<string, RulesetChain>;
  /** Elements of a set by name, read when they are first asked for. */
  elementsOf(set: string): readonly RulesetElement[];
}

/** All tables but those of family inet that are named. What goes while it is read is left out. */
export function readRuleset(kernel: Kernel, except: readonly string[]): readonly RulesetTable[] {
  const own = new Set(except);
  return [
    ...routedFamilies.flatMap((family) =>
      nftTables(kernel, family).filter(({ name }) => family !== "inet" || !own.has(name)),
    ),
    ...([4, 6] as const).flatMap((family) => legacyTables(kernel, family)),
  ];
}

function nftTables(kernel: Kernel, family: TableFamily): readonly RulesetTable[] {
  const chains = kernel
    .dump("host", "netfilter", getChains(undefined, family))
    .flatMap((message) => decodeChain(message, family) ?? []);
  return [...Map.groupBy(chains, ({ table }) => table)].map(([table, those]) => {
    const rules = present(() =>
      kernel
        .dump("host", "netfilter", getRules(table, undefined, family))
        .flatMap((message) => decodeRule(message, family) ?? []),
    ).filter((rule) => rule.table === table);
    const byChain = Map.groupBy(rules, ({ chain }) => chain);
    return {
      family,
      name: table,
      chains: new Map(
        those.map(({ name, base }) => {
          const own = (byChain.get(name) ?? []).map(({ expressions }) => expressions);
          return [name, { name, ...(base && { base }), rules: own }];
        }),
      ),
      elementsOf: elementReader(kernel, family, table),
    };
  });
}

/** Reads the elements of a table's sets, each set once. */
function elementReader(kernel: Kernel, family: TableFamily, table: string): RulesetTable["elementsOf"] {
  const read = new Map<string, readonly RulesetElement[]>();
  let forms: ReadonlyMap<string, ElementForm> | undefined;
  return (set) => {
    forms ??= new Map(
      present(() => kernel.dump("host", "netfilter", getSets(table, family)))
        .flatMap((message) => decodeSetShape(message, family) ?? [])
        .filter((shape) => shape.table === table)
        .map(({ name, interval, concatenated }) => [
          name,
          interval ? (concatenated ? "concatenated-interval" : "interval") : "plain",
        ]),
    );
    const form = forms.get(set);
    if (form === undefined) return [];
    return read.getOrInsertComputed(set, () => {
      const request = getElements({ table, set }, family);
      return readElements(() => present(() => kernel.dump("host", "netfilter", request)), form, family);
    });
  };
}

/** What is read, or nothing where it has gone. */
function present<Item>(read: () => readonly Item[]): readonly Item[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof KernelError && error.refusal.code === "ENOENT") return [];
    throw error;
  }
}

function legacyTables(kernel: Kernel, family: Family): readonly RulesetTable[] {
  return kernel.legacyTables(family).map(({ name, chains, rules }) => ({
    family: family === 4 ? "ip" : "ip6",
    name,
    legacy: true,
    chains: new Map(
      chains.map((chain) => {
        const own = rules.filter((rule) => rule.chain === chain.name).map(({ expressions }) => expressions);
        return [chain.name, { name: chain.name, ...(chain.base && { base: chain.base }), rules: own }];
      }),
    ),
    elementsOf: () => [],
  }));
}
