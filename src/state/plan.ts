/**
 * Plans: which changes bring what is there to what is wanted, and in which order. The order follows from references (a link before its
 * address), so no driver ever writes one.
 */
import { cidrFamily } from "../address/cidr.ts";
import { fieldsAgree, linkKey } from "./kind.ts";
import { keyOf, kindOf, rankOf } from "./kinds/registry.ts";
import type { KernelObject } from "./objects.ts";
import type { Change, Plan } from "./plan-types.ts";

export type { Change, Plan } from "./plan-types.ts";

/** Whether what is there is what is wanted; fields that `desired` leaves to the kernel do not count. */
export function isAsDesired(desired: KernelObject, observed: KernelObject): boolean {
  // The firewall's base is one list that every network describes: comparing its rules in the kernel's own form takes milliseconds.
  if (desired === observed) return true;
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

/** What is there of one identity, and what is to be. */
export interface Transition {
  readonly before: KernelObject | undefined;
  readonly after: KernelObject | undefined;
}

type Staying = { readonly before: KernelObject; readonly after: KernelObject };

/** The plan that makes exactly `desired` out of `observed`. */
export function plan(desired: readonly KernelObject[], observed: readonly KernelObject[]): Plan {
  const before = new Map(observed.map((object) => [keyOf(object), object]));
  const after = new Map(desired.map((object) => [keyOf(object), object]));
  const keys = new Set([...before.keys(), ...after.keys()]);
  return planOf([...keys].map((key) => ({ before: before.get(key), after: after.get(key) })));
}

/**
 * The plan that makes some transitions. `others` are objects that stay as they are; they are only asked for where something is removed and made anew, because
 * what stands on it is lost with it and has to be made anew, too.
 */
export function planOf(transitions: readonly Transition[], others: () => readonly KernelObject[] = () => []): Plan {
  const changes: Change[] = [];
  const staying = new Map<Staying, readonly Change[]>();
  for (const { before, after } of transitions) {
    const own = changesFor(before, after);
    if (before !== undefined && after !== undefined && own.length < 2) staying.set({ before, after }, own);
    else changes.push(...own);
  }
  const lost = new Lost(changes, [...changes, ...[...staying.values()].flat()].filter(changesMaster));
  if (!lost.isEmpty) for (const object of others()) staying.set({ before: object, after: object }, []);
  while (!lost.isEmpty) {
    const along = [...staying.keys()].filter(({ before }) => lost.takesAlong(before));
    if (along.length === 0) break;
    for (const one of along) {
      staying.delete(one);
      changes.push({ action: "delete", object: one.before }, { action: "create", object: one.after });
      lost.add(one.before);
    }
  }
  const links = new Set(
    [...staying].flatMap(([{ after }, own]) =>
      after.kind === "link" && (own.length > 0 || lost.releases(after)) ? keysOf(after) : [],
    ),
  );
  for (const [{ before, after }, own] of staying) {
    if (own.length === 0 && (lost.releases(before) || isToldOf(before, links)))
      changes.push({ action: "update", object: after, before });
    else changes.push(...own);
  }
  return ordered(changes);
}

const changesMaster = ({ object }: Change): boolean => object.kind === "link-setting" && object.setting === "master";

/** Whether it is told of one of these links: what is changed about them may undo it. */
const isToldOf = (object: KernelObject, links: ReadonlySet<string>): boolean =>
  (object.kind === "link-setting" || object.kind === "bridge-vlan") &&
  links.has(linkKey(object.namespace, object.link));

/** What is removed and made anew, and so what else the kernel drops on the way. */
class Lost {
  /** Keys that something else answers to afterwards, or the same made anew. */
  readonly #keys: Set<string>;
  /** Links that stay and lose an IPv4 address: with the last one go all IPv4 routes over the link (fib_disable_ip in net/ipv4/fib_frontend.c). */
  readonly #unaddressed = new Set<string>();
  /** Links that stay and get another master. Where one of the two is a VRF, they go down and up: with that go IPv6 addresses and all routes. */
  readonly #shaken = new Set<string>();

  constructor(changes: readonly Change[], masters: readonly Change[]) {
    const removed = changes.flatMap(({ action, object }) => (action === "delete" ? [object] : []));
    const removedKeys = new Set(removed.flatMap(keysOf));
    const made = removed.length === 0 ? [] : changes.filter(({ action }) => action === "create");
    this.#keys = new Set(made.flatMap(({ object }) => keysOf(object)).filter((key) => removedKeys.has(key)));
    for (const object of removed) {
      if (object.kind !== "address" || cidrFamily(object.address) !== 4) continue;
      const link = linkKey(object.namespace, object.link);
      if (!removedKeys.has(link)) this.#unaddressed.add(link);
    }
    const changed = new Set(changes.flatMap(({ object }) => keysOf(object)));
    for (const { object } of masters) {
      const link = object.kind === "link-setting" ? linkKey(object.namespace, object.link) : "";
      if (!changed.has(link)) this.#shaken.add(link);
    }
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#unaddressed.size === 0 && this.#shaken.size === 0;
  }

  /** Notes an object that is made anew. */
  add(object: KernelObject): void {
    for (const key of keysOf(object)) this.#keys.add(key);
  }

  /** Whether an object goes with what is removed. A bridge lets its ports go, they stay. */
  takesAlong(object: KernelObject): boolean {
    if (object.kind === "link") return false;
    if ((object.kind === "route" || object.kind === "address") && object.link !== undefined) {
      const link = linkKey(object.namespace, object.link);
      const isIpv4 = object.kind === "route" ? object.family === 4 : cidrFamily(object.address) === 4;
      if (object.kind === "route" && isIpv4 && this.#unaddressed.has(link)) return true;
      if ((object.kind === "route" || !isIpv4) && this.#shaken.has(link)) return true;
    }
    return kindOf(object)
      .references(object)
      .some((key) => this.#keys.has(key));
  }

  /** Whether a link is a port of a bridge that is made anew, and has to be put into it. */
  releases(object: KernelObject): boolean {
    return (
      object.kind === "link" && object.master !== undefined && this.#keys.has(linkKey(object.namespace, object.master))
    );
  }
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

/** What takes a change back that was made: a route comes back beside whatever stood beside it, for others may have one to the same destination, as CNI plugins do. */
export function undoing(change: Change): Change {
  const inverse = inverseOf(change);
  return inverse.action === "create" && inverse.object.kind === "route"
    ? { action: "create", object: { ...inverse.object, behindOthers: true } }
    : inverse;
}

/** What undoes a plan: the inverses, in the order that their own references ask for. */
export function inversePlan(changes: Plan): Plan {
  return ordered(changes.toReversed().map(undoing));
}

/** Keys that an object answers to. */
const keysOf = (object: KernelObject): readonly string[] => {
  const kind = kindOf(object);
  return [kind.key(object), ...(kind.provides?.(object) ?? [])];
};

/**
 * Changes in an order that references allow: deletions first (a reference before what it refers to), then creations and updates (the
 * other way round), the rest by kind and as given. What is not in the plan is taken to be there. An update that lets go of what is deleted comes before
 * that where it can: a default route moves over before its old link goes.
 */
export function ordered(changes: readonly Change[]): Plan {
  const deletions = changes.filter(({ action }) => action === "delete");
  const moves = movesAhead(changes, deletions);
  const others = changes.filter((change) => change.action !== "delete" && !moves.has(change));
  return [...byReference([...moves]), ...byReference(deletions).toReversed(), ...byReference(others)];
}

/** Route updates that leave something that is deleted, and need nothing that the plan makes. */
function movesAhead(changes: readonly Change[], deletions: readonly Change[]): ReadonlySet<Change> {
  const deleted = new Set(deletions.flatMap(({ object }) => keysOf(object)));
  const grounds = new Set(
    changes.flatMap(({ action, object }) =>
      action === "create" && (object.kind === "link" || object.kind === "address") ? [object.namespace] : [],
    ),
  );
  return new Set(
    changes.filter((change) => {
      if (change.action !== "update" || change.object.kind !== "route") return false;
      return referencesOf(change.before).some((key) => deleted.has(key)) && !grounds.has(change.object.namespace);
    }),
  );
}

const referencesOf = (object: KernelObject): readonly string[] => kindOf(object).references(object);

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
