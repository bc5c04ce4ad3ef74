/**
 * Locks by key, shared or exclusive, served in the order of asking. Operations on different objects do not meet; only who looks at everything waits for
 * all that is under way, and holds up what comes. A caller that needs several asks for all at once; they are taken in one fixed order, so that no two
 * callers can wait for each other. Nobody asks while it holds any, but for `aside`.
 */

export interface LockRequest {
  readonly key: string;
  readonly mode: "shared" | "exclusive";
}

interface Waiter {
  readonly mode: LockRequest["mode"];
  readonly start: () => void;
}

interface Lock {
  /** Shared holders, or -1 for an exclusive one. */
  holders: number;
  readonly waiting: Waiter[];
}

/** Held by everybody, exclusively by who looks at everything; it comes before all other keys in their order. */
const everything = " everything";

export class Locks {
  readonly #locks = new Map<string, Lock>();

  /** Runs `work` while the locks are held; they are let go whatever it throws. */
  async hold<Result>(requests: readonly LockRequest[], work: () => Promise<Result>): Promise<Result> {
    const ordered = merged([{ key: everything, mode: "shared" }, ...requests]);
    let taken = 0;
    try {
      for (const request of ordered) {
        await this.#take(request);
        taken++;
      }
      return await work();
    } finally {
      for (const request of ordered.slice(0, taken).toReversed()) this.#release(request);
    }
  }

  /** Runs `work` while nothing else is under way. */
  holdAll<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.hold([{ key: everything, mode: "exclusive" }], work);
  }

  /**
   * Runs `work`, which may take long and touches nothing that is looked at, while its caller holds locks: who looks at everything does not wait for it. What comes after it in the
   * caller waits for who is looking then, and for nobody who waits: that one may wait for what the caller holds.
   */
  async aside<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#release({ key: everything, mode: "shared" });
    try {
      return await work();
    } finally {
      const lock = this.#locks.getOrInsertComputed(everything, () => ({ holders: 0, waiting: [] }));
      if (lock.holders >= 0) lock.holders++;
      else await new Promise<void>((start) => lock.waiting.unshift({ mode: "shared", start }));
    }
  }

  #take({ key, mode }: LockRequest): Promise<void> | undefined {
    const lock = this.#locks.getOrInsertComputed(key, () => ({ holders: 0, waiting: [] }));
    const free = mode === "exclusive" ? lock.holders === 0 : lock.holders >= 0;
    // Whoever waits already comes first, or a stream of readers would keep a writer out for ever.
    if (free && lock.waiting.length === 0) {
      lock.holders = mode === "exclusive" ? -1 : lock.holders + 1;
      return undefined;
    }
    return new Promise((start) => lock.waiting.push({ mode, start }));
  }

  #release({ key, mode }: LockRequest): void {
    const lock = this.#locks.get(key);
    if (lock === undefined) return;
    lock.holders = mode === "exclusive" ? 0 : lock.holders - 1;
    for (let next = lock.waiting[0]; next !== undefined; next = lock.waiting[0]) {
      const free = next.mode === "exclusive" ? lock.holders === 0 : lock.holders >= 0;
      if (!free) break;
      lock.waiting.shift();
      lock.holders = next.mode === "exclusive" ? -1 : lock.holders + 1;
      next.start();
    }
    if (lock.holders === 0 && lock.waiting.length === 0) this.#locks.delete(key);
  }

  /** How many keys somebody holds or waits for. */
  get size(): number {
    return this.#locks.size;
  }
}

/** One request a key, the stronger mode, by key. */
function merged(requests: readonly LockRequest[]): readonly LockRequest[] {
  const modes = new Map<string, LockRequest["mode"]>();
  for (const { key, mode } of requests) if (mode === "exclusive" || !modes.has(key)) modes.set(key, mode);
  return [...modes].map(([key, mode]) => ({ key, mode })).toSorted((a, b) => (a.key < b.key ? -1 : 1));
}
