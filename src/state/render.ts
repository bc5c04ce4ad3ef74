/** Plans as commands: each line runs in a POSIX shell, and all of them leave the kernel in the state that applying the plan does. */

import { droppedNamespaces, goesWithNamespace } from "./dropped.ts";
import type { NftObject } from "./kind.ts";
import { kindOf } from "./kinds/registry.ts";
import { addElements, deleteElements, placeRule } from "./nft/commands.ts";
import type { KernelObject, NftElement, NftTable } from "./objects.ts";
import type { Change, Plan } from "./plan-types.ts";

/** The commands that do what a plan does, in its order. Elements of one nft set that follow each other share a command. */
export function renderPlan(plan: Plan): readonly string[] {
  const lines: string[] = [];
  const goes = goesWithNamespace(plan, droppedNamespaces(plan));
  const droppedTables = new Set(
    plan.flatMap(({ action, object }) =>
      action === "delete" && object.kind === "nft-table" ? [words(object.family, object.name)] : [],
    ),
  );
  // What is in a namespace or nft table that goes, goes with it.
  const visible = plan.filter(({ action, object }) => {
    if (action !== "delete" || !("namespace" in object)) return true;
    if (isInTable(object)) return !droppedTables.has(words(object.family, object.table));
    return !goes(object);
  });
  const newChains = new Set(
    plan.flatMap(({ action, object }) =>
      action === "create" && object.kind === "nft-chain"
        ? [words(object.namespace, object.family, object.table, object.name)]
        : [],
    ),
  );
  for (let at = 0; at < visible.length; ) {
    const run = elementRun(visible, at);
    const [first] = run;
    const change = visible[at];
    if (first !== undefined) {
      lines.push(change?.action === "delete" ? deleteElements(run) : addElements(run));
      at += run.length;
      continue;
    }
    if (change !== undefined) lines.push(...commandsOf(change, newChains));
    at++;
  }
  return lines;
}

const words = (...parts: readonly (string | undefined)[]): string => parts.join(" ");

/** Whether an object goes with its nft table. */
const isInTable = (object: KernelObject): object is Exclude<NftObject, NftTable> =>
  "table" in object && object.kind.startsWith("nft-");

/** The commands of one change of a plan that makes `newChains`. */
function commandsOf(change: Change, newChains: ReadonlySet<string>): readonly string[] {
  const { object } = change;
  if (change.action === "create" && object.kind === "nft-rule") {
    const isNewChain = newChains.has(words(object.namespace, object.family, object.table, object.chain));
    // A chain that was there may have rules that come behind this one.
    if (!isNewChain) return [placeRule(object)];
  }
  const { commands } = kindOf(object);
  if (change.action === "create") return commands.create(change.object);
  return change.action === "delete" ? commands.delete(change.object) : commands.update(change.before, change.object);
}

const setOf = ({ family, table, set }: NftElement): string => words(family, table, set);

/** The elements of one set that the changes from `at` on add, or delete. */
function elementRun(plan: Plan, at: number): readonly NftElement[] {
  const run: NftElement[] = [];
  for (let next = at; next < plan.length; next++) {
    const change = plan[next];
    if (change?.object.kind !== "nft-element" || change.action !== plan[at]?.action || change.action === "update")
      break;
    const { object } = change;
    if (run[0] !== undefined && setOf(run[0]) !== setOf(object)) break;
    run.push(object);
  }
  return run;
}
