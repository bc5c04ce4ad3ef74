/**
 * Who wants which objects. Owners (`network:ID`, `endpoint:ID`, `sandbox:ID`, `service:NAME`) hand in whole descriptions; the ledger counts who wants each object
 * and answers with the changes. Its cost follows the size of the descriptions handed in, not the number of objects it holds.
 */
import { PortolanError } from "../errors.ts";
import { keyOf, kindOf } from "./kinds/registry.ts";
import type { KernelObject } from "./objects.ts";
import { isAsDesired, planOf } from "./plan.ts";
import type { Plan } from "./plan-types.ts";

export type Owner = `${"network" | "endpoint" | "sandbox" | "service"}:${string}`;

/** Whole descriptions by owner; undefined for an owner that wants nothing any more. */
export type Descriptions = ReadonlyMap<Owner, readonly KernelObject[] | undefined>;

/** A change of the ledger that waits for the kernel's answer. */
export interface Proposal {
  /** What has to be done to the kernel. */
  readonly plan: Plan;
  /** Keeps the new descriptions: the kernel has them. */
  commit(): void;
}

interface Entry {
  readonly object: KernelObject;
  readonly owners: ReadonlySet<Owner>;
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #byOwner = new Map<Owner, ReadonlyMap<string, KernelObject>>();

  /**
   * The changes that new descriptions mean, without making them the ledger's own yet. Between a proposal and its commit no other proposal may touch the
   * same objects: the model's locks see to it. Throws `internal` where owners want different things of one object.
   */
  propose(descriptions: Descriptions): Proposal {
    const after = new Map<string, Entry | undefined>();
    const current = (key: string): Entry | undefined => (after.has(key) ? after.get(key) : this.#entries.get(key));
    const described = new Map<Owner, ReadonlyMap<string, KernelObject>>();
    for (const [owner, objects] of descriptions) {
      const wanted = new Map((objects ?? []).map((object) => [keyOf(object), object]));
      described.set(owner, wanted);
      for (const key of this.#byOwner.get(owner)?.keys() ?? [])
        if (!wanted.has(key)) after.set(key, without(current(key), owner));
    }
    for (const [owner, wanted] of described) {
      // Most objects have one owner: all of his share one set, which is a tenth of what they weigh.
      const alone: ReadonlySet<Owner> = new Set([owner]);
      for (const [key, object] of wanted) after.set(key, joined(current(key), object, owner, alone, descriptions));
    }
    return { plan: this.#changes(after), commit: () => this.#keep(after, described) };
  }

  #changes(after: ReadonlyMap<string, Entry | undefined>): Plan {
    const transitions = [...after].map(([key, entry]) => ({
      before: this.#entries.get(key)?.object,
      after: entry?.object,
    }));
    return planOf(transitions, () =>
      [...this.#entries].flatMap(([key, { object }]) => (after.has(key) ? [] : [object])),
    );
  }

  #keep(
    after: ReadonlyMap<string, Entry | undefined>,
    described: ReadonlyMap<Owner, ReadonlyMap<string, KernelObject>>,
  ): void {
    for (const [key, entry] of after) {
      if (entry === undefined) this.#entries.delete(key);
      else this.#entries.set(key, entry);
    }
    for (const [owner, wanted] of described) {
      if (wanted.size === 0) this.#byOwner.delete(owner);
      else this.#byOwner.set(owner, wanted);
    }
  }

  /** Everything that anybody wants. */
  all(): readonly KernelObject[] {
    return [...this.#entries.values()].map(({ object }) => object);
  }

  /** Whether anybody wants what has this object's identity. */
  wants(object: KernelObject): boolean {
    return this.#entries.has(keyOf(object));
  }

  /** What is wanted under a key (`keyOf`). */
  get(key: string): KernelObject | undefined {
    return this.#entries.get(key)?.object;
  }

  /** What one owner wants. */
  of(owner: Owner): readonly KernelObject[] {
    return [...(this.#byOwner.get(owner)?.values() ?? [])];
  }
}

function without(entry: Entry | undefined, owner: Owner): Entry | undefined {
  if (entry === undefined) return undefined;
  const owners = new Set(entry.owners);
  owners.delete(owner);
  return owners.size === 0 ? undefined : { ...entry, owners };
}

function joined(
  entry: Entry | undefined,
  object: KernelObject,
  owner: Owner,
  alone: ReadonlySet<Owner>,
  changing: Descriptions,
): Entry {
  if (entry === undefined) return { object, owners: alone };
  const others = [...entry.owners].filter((other) => other !== owner && !changing.has(other));
  const same = isAsDesired(object, entry.object) && isAsDesired(entry.object, object);
  if (!same && others.length > 0) {
    throw new PortolanError("internal", `${owner} and ${others.join(", ")} want different things of one object`, {
      object: kindOf(object).words(object),
    });
  }
  // The first one's form is kept: it may know the value to restore.
  const isAlone = entry.owners.size === 0 || (entry.owners.size === 1 && entry.owners.has(owner));
  return { object: same ? entry.object : object, owners: isAlone ? alone : new Set([...entry.owners, owner]) };
}
