/** The five kinds of nftables objects. Their messages are made where their transaction is (nft/transaction.ts). */
import { PortolanError } from "../../errors.ts";
import { decodeChain, getChains } from "../../kernel/netlink/nftables/chain.ts";
import { getElements, readElements } from "../../kernel/netlink/nftables/element.ts";
import { canonicalExpressions } from "../../kernel/netlink/nftables/expressions.ts";
import { decodeRule, getRules } from "../../kernel/netlink/nftables/rule.ts";
import { decodeSet, getSets } from "../../kernel/netlink/nftables/set.ts";
import { decodeTable, getTable } from "../../kernel/netlink/nftables/table.ts";
import {
  inNamespace,
  type Kind,
  type NftObject,
  namespaceKey,
  type Observation,
  type ObservedNamespace,
  type Step,
} from "../kind.ts";
import * as commands from "../nft/commands.ts";
import { decodeElement, elementForm } from "../nft/elements.ts";
import { markMisplaced, parseRuleComment, tableComment } from "../nft/ownership.ts";
import { decodeSetForm } from "../nft/sets.ts";
import type { NftChain, NftElement, NftRule, NftSet, NftTable } from "../objects.ts";

type In = Pick<NftTable, "namespace" | "family">;

/** The namespace, and the family where it is not inet. */
const place = ({ namespace, family }: In): string => (family === undefined ? namespace : `${namespace} ${family}`);
const tableKey = (where: In, name: string): string => `nft-table ${place(where)} ${name}`;
const chainKey = (where: In, table: string, name: string): string => `nft-chain ${place(where)} ${table} ${name}`;
const setKey = (where: In, table: string, name: string): string => `nft-set ${place(where)} ${table} ${name}`;

/** A table in messages: with its family, where that is not inet. */
const tableWords = ({ family }: In, name: string): string => (family === undefined ? name : `${family} ${name}`);

/** The steps of an nft object: its part in the plan's transaction. */
function step(verb: "create" | "update" | "delete", object: NftObject): readonly Step[] {
  return [{ type: "nft", namespace: object.namespace, verb, object }];
}

const steps = {
  create: (object: NftObject) => step("create", object),
  update: () => undefined,
  delete: (object: NftObject) => step("delete", object),
};

/** The namespaces that can have a table of ours: the host, and those where one is wanted. */
function firewalls({ namespaces, desired }: Observation): readonly ObservedNamespace[] {
  const wanted = new Set(desired.flatMap((object) => (object.kind === "nft-table" ? [object.namespace] : [])));
  return namespaces.filter(({ namespace }) => namespace === "host" || wanted.has(namespace));
}

/** Families of tables of ours. */
const families = [undefined, "bridge"] as const;

const ownTables = ({ namespace, kernel }: ObservedNamespace): readonly NftTable[] =>
  families.flatMap((family) =>
    kernel
      .dump(namespace, "netfilter", getTable(undefined, family))
      .flatMap((message) => decodeTable(message, family) ?? [])
      .filter(({ comment }) => comment === tableComment)
      .map(({ name }): NftTable => ({ kind: "nft-table", namespace, ...(family && { family }), name })),
  );

function ownSets(from: ObservedNamespace, { name, family }: NftTable): readonly NftSet[] {
  return from.kernel
    .dump(from.namespace, "netfilter", getSets(name, family))
    .flatMap((message) => decodeSet(message, family) ?? [])
    .filter(({ table }) => table === name)
    .flatMap((set) => decodeSetForm(from.namespace, set, family) ?? []);
}

function ownRules({ namespace, kernel }: ObservedNamespace, { name: table, family }: NftTable): readonly NftRule[] {
  const dumped = kernel.dump(namespace, "netfilter", getRules(table, undefined, family));
  const where = { namespace, ...(family && { family }) };
  const rules = dumped.flatMap((message): NftRule[] => {
    const found = decodeRule(message, family);
    const own = parseRuleComment(found?.comment);
    if (found?.table !== table || own === undefined) return [];
    return [{ kind: "nft-rule", ...where, table, chain: found.chain, ...own, expressions: found.expressions }];
  });
  return [...Map.groupBy(rules, ({ chain }) => chain).values()].flatMap(markMisplaced);
}

export const nftTable: Kind<NftTable> = {
  ...steps,
  key: (object) => tableKey(object, object.name),
  references: ({ namespace }) => [namespaceKey(namespace)],
  words: ({ namespace, family = "inet", name }) => `nft table ${family} ${name} ${inNamespace(namespace)}`,
  observe: (observation) => firewalls(observation).flatMap(ownTables),
  commands: {
    create: (object) => [commands.addTable(object)],
    update: () => [],
    delete: (object) => [commands.deleteTable(object)],
  },
};

export const nftChain: Kind<NftChain> = {
  ...steps,
  key: (object) => chainKey(object, object.table, object.name),
  references: (object) => [tableKey(object, object.table)],
  words: (object) => `nft chain ${tableWords(object, object.table)} ${object.name} ${inNamespace(object.namespace)}`,
  update: (before, object) => {
    const { base: was } = before;
    const { base: is } = object;
    const policyOnly = was && is && was.hook === is.hook && was.type === is.type && was.priority === is.priority;
    return policyOnly ? step("update", object) : undefined;
  },
  // A chain in our table that we did not make is an administrator's, and so is one of another shape.
  observe: (observation) => {
    const wanted = new Set(
      observation.desired.flatMap((object) => (object.kind === "nft-chain" ? [nftChain.key(object)] : [])),
    );
    return firewalls(observation).flatMap((from) =>
      ownTables(from).flatMap(({ name: table, family }) =>
        from.kernel.dump(from.namespace, "netfilter", getChains(table, family)).flatMap((message): NftChain[] => {
          const chain = decodeChain(message, family);
          const where = { namespace: from.namespace, ...(family && { family }) };
          if (chain?.table !== table || !wanted.has(chainKey(where, table, chain.name))) return [];
          const { base } = chain;
          const known =
            base && base.hook !== "ingress" && (base.type === "filter" || base.type === "nat" || base.type === "route");
          return [
            {
              kind: "nft-chain",
              ...where,
              table,
              name: chain.name,
              ...(known && {
                base: { type: base.type, hook: base.hook, priority: base.priority, policy: base.policy } as NonNullable<
                  NftChain["base"]
                >,
              }), // checked in the line above
            },
          ];
        }),
      ),
    );
  },
  commands: {
    create: (object) => [commands.addChain(object)],
    update: (_before, object) => [commands.setPolicy(object)],
    delete: (object) => [commands.deleteChain(object)],
  },
};

export const nftSet: Kind<NftSet> = {
  ...steps,
  key: (object) => setKey(object, object.table, object.name),
  references: (object) => [tableKey(object, object.table)],
  words: (object) => `nft set ${tableWords(object, object.table)} ${object.name} ${inNamespace(object.namespace)}`,
  observe: (observation) => {
    const wanted = new Set(
      observation.desired.flatMap((object) => (object.kind === "nft-set" ? [nftSet.key(object)] : [])),
    );
    return firewalls(observation)
      .flatMap((from) => ownTables(from).flatMap((table) => ownSets(from, table)))
      .filter((set) => wanted.has(nftSet.key(set)));
  },
  // A set that is no map, or has no intervals, does not say so.
  equal: (desired, observed) =>
    JSON.stringify([desired.key, desired.data, desired.interval ?? false]) ===
    JSON.stringify([observed.key, observed.data, observed.interval ?? false]),
  commands: {
    create: (object) => [commands.addSet(object)],
    update: () => [],
    delete: (object) => [commands.deleteSet(object)],
  },
};

export const nftRule: Kind<NftRule> = {
  ...steps,
  key: (object) => `nft-rule ${place(object)} ${object.table} ${object.chain} ${object.id}`,
  references: (object) => [
    chainKey(object, object.table, object.chain),
    ...object.expressions.flatMap((expression) => {
      if (expression.type === "lookup") return [setKey(object, object.table, expression.set)];
      return expression.type === "verdict" && "chain" in expression
        ? [chainKey(object, object.table, expression.chain)]
        : [];
    }),
  ],
  words: (object) =>
    `nft rule "${object.id}" of chain ${tableWords(object, object.table)} ${object.chain} ${inNamespace(object.namespace)}`,
  observe: (observation) =>
    firewalls(observation).flatMap((from) => ownTables(from).flatMap((table) => ownRules(from, table))),
  equal: (desired, observed) =>
    !observed.misplaced &&
    desired.position === observed.position &&
    JSON.stringify(canonicalExpressions(desired.expressions)) ===
      JSON.stringify(canonicalExpressions(observed.expressions)),
  commands: {
    create: (object) => [commands.addRule(object)],
    update: () => [],
    delete: (object) => [commands.deleteRule(object)],
  },
};

/** A key or a value as text, for identities. */
const text = (parts: NftElement["key"]): string =>
  parts
    .map((part) => (typeof part === "string" ? part : "prefix" in part ? part.prefix : `${part.from}-${part.to}`))
    .join(" . ");

export const nftElement: Kind<NftElement> = {
  ...steps,
  key: (object) => `nft-element ${place(object)} ${object.table} ${object.set} ${text(object.key)}`,
  references: (object) => [
    setKey(object, object.table, object.set),
    ...(object.data ?? []).flatMap((value) => {
      const chain = /^(?:jump|goto) (\S+)$/.exec(value)?.[1];
      return chain === undefined ? [] : [chainKey(object, object.table, chain)];
    }),
  ],
  words: (object) =>
    `element { ${text(object.key)} } of nft set ${tableWords(object, object.table)} ${object.set} ${inNamespace(object.namespace)}`,
  observe: (observation) => {
    const wanted = new Set(
      observation.desired.flatMap((object) => (object.kind === "nft-set" ? [nftSet.key(object)] : [])),
    );
    return firewalls(observation).flatMap((from) =>
      ownTables(from).flatMap((table) =>
        ownSets(from, table)
          .filter((set) => wanted.has(nftSet.key(set)))
          .flatMap((set) => {
            const request = getElements({ table: table.name, set: set.name }, table.family);
            return readElements(
              () => from.kernel.dump(from.namespace, "netfilter", request),
              elementForm(set),
              table.family,
            ).map((element) => decodeElement(set, element));
          }),
      ),
    );
  },
  equal: (desired, observed) => JSON.stringify(desired.data) === JSON.stringify(observed.data),
  commands: {
    create: (object) => [commands.addElements([object])],
    update: () => {
      throw new PortolanError("internal", "an nft element is not updated in place");
    },
    delete: (object) => [commands.deleteElements([object])],
  },
};
