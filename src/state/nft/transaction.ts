/** From nft steps to the messages of one transaction, and back from a refused message to its steps. */
import type { Kernel } from "../../kernel/kernel.ts";
import type { NetlinkMessage } from "../../kernel/netlink/message.ts";
import { deleteChain, newChain, setChainPolicy } from "../../kernel/netlink/nftables/chain.ts";
import { deleteElements, newElements } from "../../kernel/netlink/nftables/element.ts";
import { deleteSet, newSet } from "../../kernel/netlink/nftables/set.ts";
import { deleteTable, newTable } from "../../kernel/netlink/nftables/table.ts";
import type { NftObject, Step } from "../kind.ts";
import type { NftElement } from "../objects.ts";

import { elementForm, encodeElement } from "./elements.ts";
import { tableComment } from "./ownership.ts";
import { RulePlaces } from "./rule-places.ts";
import { encodeSetForm } from "./sets.ts";

export type NftStep = Extract<Step, { type: "nft" }>;

/** A message and the steps that it carries out. */
export interface TransactionPart {
  readonly steps: readonly NftStep[];
  readonly message: NetlinkMessage;
}

/**
 * The messages that carry out steps of one namespace in their order. Elements of one set that follow each other share messages; what is
 * removed from a table that is itself removed goes with it. The kernel is only asked where a rule changes in a chain that was there before.
 */
export function transactionParts(kernel: Kernel, steps: readonly NftStep[]): readonly TransactionPart[] {
  const goingTables = new Set(
    steps.flatMap(({ verb, object }) => (verb === "delete" && object.kind === "nft-table" ? [tableOf(object)] : [])),
  );
  const needed = steps.filter(
    ({ verb, object }) => verb !== "delete" || object.kind === "nft-table" || !goingTables.has(tableOf(object)),
  );
  const places = new RulePlaces(kernel);
  const parts: TransactionPart[] = [];
  for (let at = 0; at < needed.length; ) {
    const run = runFrom(needed, at);
    parts.push(...partsOf(run, places));
    at += run.length;
  }
  return parts;
}

/** The table that an object is, or is in. */
const tableOf = (object: NftObject): string =>
  `${object.family} ${object.kind === "nft-table" ? object.name : object.table}`;

/** The steps from `at` on that the same messages carry out: one, or several that do the same with elements of one set. */
function runFrom(steps: readonly NftStep[], at: number): readonly NftStep[] {
  const first = steps[at];
  let end = at + 1;
  if (first?.object.kind === "nft-element") {
    const { table, set, family } = first.object;
    const joins = (step: NftStep | undefined): boolean =>
      step?.verb === first.verb &&
      step.object.kind === "nft-element" &&
      step.object.set === set &&
      step.object.table === table &&
      step.object.family === family;
    while (joins(steps[end])) end++;
  }
  return steps.slice(at, end);
}

function partsOf(run: readonly NftStep[], places: RulePlaces): readonly TransactionPart[] {
  const [first] = run;
  if (first === undefined) return [];
  if (first.object.kind === "nft-element") return elementParts(first.verb, first.object, run);
  return messagesOf(first.verb, first.object, places).map((message) => ({ steps: run, message }));
}

/** Every message with the steps whose elements it holds. */
function elementParts(verb: NftStep["verb"], first: NftElement, run: readonly NftStep[]): readonly TransactionPart[] {
  const elements = run.flatMap(({ object }) => (object.kind === "nft-element" ? [encodeElement(object)] : []));
  const make = verb === "delete" ? deleteElements : newElements;
  let at = 0;
  return make(first, elementForm(first.type), elements, first.family).map(({ message, count }) => {
    const steps = run.slice(at, at + count);
    at += count;
    return { steps, message };
  });
}

function messagesOf(
  verb: NftStep["verb"],
  object: Exclude<NftObject, NftElement>,
  places: RulePlaces,
): readonly NetlinkMessage[] {
  const { family } = object;
  switch (object.kind) {
    case "nft-table": {
      const { name, owned } = object;
      if (verb === "delete") return [deleteTable(name, family)];
      return [newTable(owned ? { name, owned } : { name, comment: tableComment }, family)];
    }
    case "nft-chain":
      if (verb === "delete") return [deleteChain(object.table, object.name, family)];
      if (verb === "update")
        return object.base === undefined ? [] : [setChainPolicy(object, object.base.policy, family)];
      places.begin(object);
      return [newChain(object, family)];
    case "nft-set":
      return [verb === "delete" ? deleteSet(object.table, object.name, family) : newSet(encodeSetForm(object), family)];
    case "nft-rule":
      return verb === "delete" ? places.remove(object) : [places.insert(object)];
  }
}
