/**
 * Self-healing: the host's ruleset is watched, and when somebody else has changed our table it is made as described again, at once and by itself. It never fights:
 * who changes it again and again finds it mended after longer and longer pauses, and doctor says so.
 */
import { isPortolanError } from "../errors.ts";
import { table } from "../firewall/building.ts";
import { userChain } from "../firewall/isolation.ts";
import type { RulesetChange } from "../state/engine.ts";
import { kindOf } from "../state/kinds/registry.ts";
import type { KernelObject } from "../state/objects.ts";
import type { Change, Plan } from "../state/plan-types.ts";
import { Anchor } from "./anchor.ts";
import type { Context } from "./context.ts";
import type { Service } from "./service.ts";
import type { Problem } from "./types.ts";
import { type LostRules, lostAfter, lostInWords, lostTogether, noneLost } from "./user-rules.ts";

/** Times in milliseconds. */
export interface HealingPace {
  /** What is quiet for that long is looked at: who loads a ruleset by several transactions is let finish. */
  readonly settling: number;
  /** What goes on for that long is looked at in between. */
  readonly longestSettling: number;
  /** So often within {@link memory} it is mended without a pause. */
  readonly patience: number;
  readonly memory: number;
  /** The first pause; each further one is twice as long, up to the longest. */
  readonly firstPause: number;
  readonly longestPause: number;
}

export const usualPace: HealingPace = {
  settling: 20,
  longestSettling: 100,
  patience: 5,
  memory: 60_000,
  firstPause: 1000,
  longestPause: 60_000,
};

/** How often an operation is tried that finds the firewall gone. */
const operationTries = 5;
/** How many lost objects an event names. */
const shown = 3;

type Culprit = NonNullable<RulesetChange["by"]>;

export class Healing implements Service {
  readonly #context: Context;
  readonly #anchor: Anchor;
  readonly #pace: HealingPace;
  #timer: NodeJS.Timeout | undefined;
  /** When the first of the changes was told that nobody has looked at yet; undefined where there is none. */
  #since: number | undefined;
  /** How often it was mended. */
  #mends = 0;
  #culprit: Culprit | undefined;
  /** What the administrator's chain has lost that nobody was told of yet. */
  #lost = noneLost;
  /** When it was mended lately. */
  #mended: readonly number[] = [];
  /** Not before that it is looked at again. */
  #pauseEnd = 0;
  #failures = 0;
  #failure: unknown;
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(context: Context, pace: HealingPace) {
    this.#context = context;
    this.#anchor = new Anchor(context.engine, context.ledger);
    this.#pace = pace;
  }

  /**
   * Carries an operation out, again where the kernel refused it because what it adds to had been taken away: mended, it is there. The operation must have
   * undone itself.
   */
  async carryOut<Result>(operation: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      const before = this.#mends;
      try {
        return await operation();
      } catch (error) {
        if (tries === operationTries || !missesSomething(error) || this.#pauseEnd > performance.now()) throw error;
        await this.#healNow();
        if (this.#mends === before) throw error;
      }
    }
  }

  /** Begins to watch. */
  async start(): Promise<void> {
    await this.#context.engine.watchRuleset((change) => this.#notice(change));
    this.#context.followers.add(() => this.#anchor.follow());
    await this.#anchor.follow();
  }

  #notice(change: RulesetChange): void {
    const { tables, by } = change;
    if (this.#closed || (tables !== undefined && !tables.includes(table.name))) return;
    this.#culprit = by ?? this.#culprit;
    this.#lost = lostAfter(this.#lost, change);
    this.#since ??= performance.now();
    this.#schedule();
  }

  #schedule(): void {
    const { settling, longestSettling } = this.#pace;
    const now = performance.now();
    const settled = Math.min(now + settling, (this.#since ?? now) + longestSettling);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#healNow(), Math.max(0, settled - now, this.#pauseEnd - now));
    // A program that has nothing else to do ends.
    this.#timer.unref();
  }

  #healNow(): Promise<void> {
    this.#work = this.#work.then(() => this.#heal());
    return this.#work;
  }

  async #heal(): Promise<void> {
    if (this.#closed) return;
    const { engine, ledger, locks } = this.#context;
    await locks.holdAll(async () => {
      const by = this.#culprit;
      const lost = this.#lost;
      this.#since = undefined;
      this.#culprit = undefined;
      this.#lost = noneLost;
      try {
        const plan = await engine.mendRuleset(ledger.all().filter(isInRuleset));
        this.#failure = undefined;
        this.#failures = 0;
        if (plan.length > 0) this.#count();
        // An operation that met the damage may have had it mended before the kernel's word of it came.
        if (plan.length > 0 || lost.count > 0) this.#tell(plan, by, lost);
      } catch (error) {
        this.#lost = lostTogether(lost, this.#lost);
        this.#failure = error;
        this.#pauseEnd = performance.now() + this.#pauseAfter(this.#failures++);
        this.#since = performance.now();
        if (!this.#closed) this.#schedule();
      }
    });
  }

  #pauseAfter(times: number): number {
    return Math.min(this.#pace.firstPause * 2 ** times, this.#pace.longestPause);
  }

  /** Notes that it was mended, and how long to leave it alone. */
  #count(): void {
    const now = performance.now();
    const { patience } = this.#pace;
    this.#mends++;
    this.#mended = [...this.#recent(now), now];
    const beyond = this.#mended.length - patience;
    if (beyond >= 0) this.#pauseEnd = now + this.#pauseAfter(beyond);
  }

  #tell(plan: Plan, by: Culprit | undefined, lostRules: LostRules): void {
    const lost = lostInWords(lostRules, plan.some(makesUserChain));
    this.#context.events.emit({
      time: this.#context.now(),
      type: "engine",
      action: "heal",
      id: "",
      name: "firewall",
      attributes: {
        changes: String(plan.length),
        found: inWords(plan),
        ...(lost !== undefined && { lost }),
        ...(by && { by: by.name, pid: String(by.pid) }),
      },
    });
  }

  #recent(now: number): readonly number[] {
    return this.#mended.filter((time) => now - time < this.#pace.memory);
  }

  problems(): readonly Problem[] {
    return [...this.#anchor.problems(), ...this.#contested(), ...this.#notHealed()];
  }

  #contested(): readonly Problem[] {
    const now = performance.now();
    const count = this.#recent(now).length;
    const { patience, memory } = this.#pace;
    if (count < patience) return [];
    const wait = Math.max(0, Math.ceil((this.#pauseEnd - now) / 1000));
    return [
      {
        code: "firewall-contested",
        severity: "warning",
        title: "something changes the engine's firewall again and again",
        detail: `it was mended ${count} times within ${memory / 1000} s; the next time in ${wait} s at the earliest`,
        advice:
          "`portolan events --filter action=heal` tells whose process it is; have it leave table inet portolan alone",
      },
    ];
  }

  #notHealed(): readonly Problem[] {
    if (this.#failure === undefined) return [];
    return [
      {
        code: "not-healed",
        severity: "error",
        title: "somebody has changed the engine's firewall, and it cannot be mended",
        detail: this.#failure instanceof Error ? this.#failure.message : String(this.#failure),
        advice: "remove what is in the way; it is tried again by itself",
      },
    ];
  }

  /** Ends; what is being mended is finished. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#work;
  }
}

/** Whether the kernel has refused something because what it belongs to is not there, and nothing is left of it. */
const missesSomething = (error: unknown): boolean =>
  isPortolanError(error, "kernel") && error.suppressed.length === 0 && error.reason?.startsWith("ENOENT") === true;

const isInRuleset = (object: KernelObject): boolean =>
  object.kind.startsWith("nft-") && "namespace" in object && object.namespace === "host";

const makesUserChain = ({ action, object }: Change): boolean =>
  action === "create" && object.kind === "nft-chain" && object.name === userChain.name;

const words = { create: "missing", update: "changed", delete: "not described" } as const;

/** What was found, in words: the first few one by one, the rest by number. */
function inWords(plan: Plan): string {
  const named = plan.slice(0, shown).map(({ action, object }) => `${words[action]}: ${kindOf(object).words(object)}`);
  const more = plan.length > shown ? [`and ${plan.length - shown} more`] : [];
  return [...named, ...more].join("; ");
}
