/** What goes with the namespaces that a plan removes, without a step of its own. */
import { linkKey } from "./kind.ts";
import type { KernelObject } from "./objects.ts";
import type { Plan } from "./plan-types.ts";

/** Paths of the namespaces that a plan removes. */
export const droppedNamespaces = (plan: Plan): ReadonlySet<string> =>
  new Set(
    plan.flatMap(({ action, object }) => (action === "delete" && object.kind === "namespace" ? [object.path] : [])),
  );

/** Returns whether an object that the plan deletes goes with its namespace: all do but links of the host, which come home, and what was set on them. */
export function goesWithNamespace(plan: Plan, dropped: ReadonlySet<string>): (object: KernelObject) => boolean {
  if (dropped.size === 0) return () => false;
  const leaving = new Set(
    plan.flatMap(({ action, object }) =>
      action === "delete" && object.kind === "moved-link" ? [linkKey(object.namespace, object.newName)] : [],
    ),
  );
  return (object) => {
    if (!("namespace" in object) || !dropped.has(object.namespace) || object.kind === "moved-link") return false;
    return object.kind !== "link-setting" || !leaving.has(linkKey(object.namespace, object.link));
  };
}
