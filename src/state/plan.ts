/**
 * Plans: which changes bring what is there to what is wanted, and in which order. The order follows from references (a link before its
 * address), so no driver ever writes one.
 */
import { fieldsAgree } from "./kind.ts";
import { keyOf, kindOf, rankOf } from "./kinds/registry.ts";
import type { KernelObject } from "./objects.ts";
import type { Change, Plan } from "./plan-types.ts";

export type { Change, Plan } from "./plan-types.ts";

/** Whether what is there is what is wanted; fields that `desired` leaves to the kernel do not count. */
export function isAsDesired(desired: KernelObject, observed: KernelObject): boolean {
  if (desired.kind !== observed.kind) return false;
  const { equal } = kindOf(desired);
  return equal === undefined ? fieldsAgree(desired, observed) : equal(desired, observed);
}

/** The changes for one identity: none, one, or a removal and a new start. */
export function changesFor(before: KernelObject | undefined, after: KernelObject | undefined): readonly Change[] {
  if (before === undefined) return after === undefined ? [] : [{ action: "create", object: after }];
  if (after === undefined) return [{ action: "delete", object: before }];
  if (isAsDesired(after, before)) return [];
  if (kindOf(after).update(before, after) !== undefined) return [{ action: "update", object: after, before }];
  return [
    { action: "delete", object: before },
    { action: "create", object: after },
  ];
}

/** The plan that makes exactly `desired` out of `observed`. */
export function plan(desired: readonly KernelObject[], observed: readonly KernelObject[]): Plan {
  const before = new Map(observed.map((object) => [keyOf(object), object]));
  const after = new Map(desired.map((object) => [keyOf(object), object]));
  const changes: Change[] = [];
  for (const [key, object] of before) if (!after.has(key)) changes.push(...changesFor(object, undefined));
  for (const [key, object] of after) changes.push(...changesFor(before.get(key), object));
  return ordered(changes);
}

/** What undoes a change. */
export function inverseOf(change: Change): Change {
  switch (change.action) {
    case "create":
      return { action: "delete", object: change.object };
    case "delete":
      return { action: "create", object: change.object };
    case "update":
      return { action: "update", object: change.before, before: change.object };
  }
}

/** What undoes a plan: the inverses, in the order that their own references ask for. */
export function inversePlan(changes: Plan): Plan {
  return ordered(changes.toReversed().map(inverseOf));
}

/** Keys that an object answers to. */
const keysOf = (object: KernelObject): readonly string[] => {
  const kind = kindOf(object);
  return [kind.key(object), ...(kind.provides?.(object) ?? [])];
};

/**
 * Changes in an order that references allow: deletions first (a reference before what it refers to), then creations and updates (the
 * other way round), the rest by kind and as given. What is not in the plan is taken to be there.
 */
export function ordered(changes: readonly Change[]): Plan {
  const deletions = changes.filter(({ action }) => action === "delete");
  const others = changes.filter(({ action }) => action !== "delete");
  return [...byReference(deletions).toReversed(), ...byReference(others)];
}

/** Every change behind those of the objects that it refers to; otherwise by rank of the kind, stable. */
function byReference(changes: readonly Change[]): readonly Change[] {
  const sorted = changes.toSorted((a, b) => rankOf(a.object) - rankOf(b.object));
  const holder = new Map<string, Change>();
  for (const change of sorted) for (const key of keysOf(change.object)) holder.set(key, change);
  const done = new Set<Change>();
  const result: Change[] = [];
  const visit = (change: Change): void => {
    if (done.has(change)) return;
    done.add(change);
    for (const key of kindOf(change.object).references(change.object)) {
      const referred = holder.get(key);
      if (referred !== undefined) visit(referred);
    }
    result.push(change);
  };
  for (const change of sorted) visit(change);
  return result;
}
