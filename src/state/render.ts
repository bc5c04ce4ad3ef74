/** Plans as commands: each line runs in a POSIX shell, and all of them leave the kernel in the state that applying the plan does. */

import { kindOf } from "./kinds/registry.ts";
import { addElements, deleteElements } from "./nft/commands.ts";
import type { NftElement } from "./objects.ts";
import type { Change, Plan } from "./plan-types.ts";

/** The commands that do what a plan does, in its order. Elements of one nft set that follow each other share a command. */
export function renderPlan(plan: Plan): readonly string[] {
  const lines: string[] = [];
  const dropped = new Set(
    plan.flatMap(({ action, object }) => (action === "delete" && object.kind === "namespace" ? [object.path] : [])),
  );
  const visible = plan.filter(
    ({ action, object }) =>
      action !== "delete" || !("namespace" in object) || object.namespace === "host" || !dropped.has(object.namespace),
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
    if (change !== undefined) lines.push(...commandsOf(change));
    at++;
  }
  return lines;
}

function commandsOf(change: Change): readonly string[] {
  const { commands } = kindOf(change.object);
  if (change.action === "create") return commands.create(change.object);
  return change.action === "delete" ? commands.delete(change.object) : commands.update(change.before, change.object);
}

/** The elements of one set that the changes from `at` on add, or delete. */
function elementRun(plan: Plan, at: number): readonly NftElement[] {
  const run: NftElement[] = [];
  for (let next = at; next < plan.length; next++) {
    const change = plan[next];
    if (change?.object.kind !== "nft-element" || change.action !== plan[at]?.action || change.action === "update")
      break;
    const { object } = change;
    if (run[0] !== undefined && (run[0].set !== object.set || run[0].table !== object.table)) break;
    run.push(object);
  }
  return run;
}
