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
  /** Who wants it. The set of an owner's own objects is one for all of them, until somebody else wants one as well. */
  readonly owners: ReadonlySet<Owner>;
}

/** What becomes of an entry: who wants it from now on, who does not any more, and its object; none where nobody wants it. */
interface Turn {
  readonly object: KernelObject | undefined;
  readonly come: readonly Owner[];
  readonly gone: readonly Owner[];
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #byOwner = new Map<Owner, ReadonlyMap<string, KernelObject>>();

  /**
   * The changes that new descriptions mean, without making them the ledger's own yet. Between a proposal and its commit no other proposal may touch the
   * same objects: the model's locks see to it. Throws `internal` where owners want different things of one object.
   */
  propose(descriptions: Descriptions): Proposal {
    const turns = new Map<string, Turn>();
    const described = new Map<Owner, ReadonlyMap<string, KernelObject>>();
    for (const [owner, objects] of descriptions) {
      const wanted = new Map((objects ?? []).map((object) => [keyOf(object), object]));
      described.set(owner, wanted);
      for (const key of this.#byOwner.get(owner)?.keys() ?? []) {
        if (!wanted.has(key)) turns.set(key, without(this.#entries.get(key), turns.get(key), owner));
      }
    }
    for (const [owner, wanted] of described) {
      for (const [key, object] of wanted) {
        const entry = this.#entries.get(key);
        const turn = turns.get(key);
        // What is wanted as before is no news.
        if (turn === undefined && entry?.object === object && entry.owners.has(owner)) continue;
        turns.set(key, joined(entry, turn, object, owner, descriptions));
      }
    }
    return { plan: this.#changes(turns), commit: () => this.#keep(turns, described) };
  }

  #changes(turns: ReadonlyMap<string, Turn>): Plan {
    const transitions = [...turns].map(([key, { object }]) => ({
      before: this.#entries.get(key)?.object,
      after: object,
    }));
    return planOf(transitions, () =>
      [...this.#entries].flatMap(([key, { object }]) => (turns.has(key) ? [] : [object])),
    );
  }

  #keep(turns: ReadonlyMap<string, Turn>, described: ReadonlyMap<Owner, ReadonlyMap<string, KernelObject>>): void {
    // Most objects have one owner: all of his share one set, which is a tenth of what they weigh.
    const alone = new Map([...described.keys()].map((owner) => [owner, new Set([owner])]));
    for (const [key, turn] of turns) {
      const { object } = turn;
      if (object === undefined) this.#entries.delete(key);
      else this.#entries.set(key, { object, owners: ownersAfter(this.#entries.get(key)?.owners, turn, alone) });
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

/** How many want an entry after a turn. */
const countAfter = (entry: Entry | undefined, { come, gone }: Omit<Turn, "object">): number =>
  (entry?.owners.size ?? 0) + come.length - gone.length;

function without(entry: Entry | undefined, turn: Turn | undefined, owner: Owner): Turn {
  const gone = [...(turn?.gone ?? []), owner];
  const come = turn?.come ?? [];
  const object = countAfter(entry, { come, gone }) === 0 ? undefined : (turn?.object ?? entry?.object);
  return { object, come, gone };
}

function joined(
  entry: Entry | undefined,
  turn: Turn | undefined,
  object: KernelObject,
  owner: Owner,
  changing: Descriptions,
): Turn {
  const { come = [], gone = [] } = turn ?? {};
  const all = entry?.owners.has(owner) || come.includes(owner) ? come : [...come, owner];
  const there = turn === undefined ? entry?.object : turn.object;
  if (there === undefined || there === object) return { object, come: all, gone };
  const same = isAsDesired(object, there) && isAsDesired(there, object);
  if (!same) {
    const others = [...(entry?.owners ?? [])].filter((other) => other !== owner && !changing.has(other));
    if (others.length > 0) {
      throw new PortolanError("internal", `${owner} and ${others.join(", ")} want different things of one object`, {
        object: kindOf(object).words(object),
      });
    }
  }
  // The first one's form is kept: it may know the value to restore.
  return { object: same ? there : object, come: all, gone };
}

/** The owners of an entry after a turn. A set that only this entry has is changed in place: copying it would cost as much as it is large. */
function ownersAfter(
  before: ReadonlySet<Owner> | undefined,
  { come, gone }: Turn,
  alone: ReadonlyMap<Owner, Set<Owner>>,
): ReadonlySet<Owner> {
  if (before === undefined || before.size - gone.length === 0) {
    const [only, ...more] = come;
    const own = only === undefined || more.length > 0 ? undefined : alone.get(only);
    return own ?? new Set(come);
  }
  if (come.length === 0 && gone.length === 0) return before;
  // One of a single owner may be that of all his objects.
  const owners = before.size === 1 ? new Set(before) : (before as Set<Owner>); // made here, or below
  for (const owner of gone) owners.delete(owner);
  for (const owner of come) owners.add(owner);
  return owners;
}
