/**
 * Makes the changes of a plan, batch by batch, and undoes them when one is refused. Synchronous: runs on the thread that owns
 * the kernel seam.
 */
import { PortolanError } from "../errors.ts";
import { type Kernel, KernelError, type KernelRefusal, type NamespaceRef } from "../kernel/kernel.ts";
import type { NetlinkMessage } from "../kernel/netlink/message.ts";
import type { ApplyContext, Step } from "./kind.ts";
import { revive } from "./kinds/link.ts";
import { kindOf } from "./kinds/registry.ts";
import { settingsOf } from "./link-settings.ts";
import { type NftStep, type TransactionPart, transactionParts } from "./nft/transaction.ts";
import { forgetFlows, translatedPorts } from "./nft/translated-flows.ts";
import type { KernelObject, Link, LinkSetting, Sysctl } from "./objects.ts";
import { inversePlan, ordered, undoing } from "./plan.ts";
import type { Change, Plan } from "./plan-types.ts";
import { refusalError } from "./refusal.ts";
import { whatPutsBack } from "./replaced.ts";
import { type Batch, type RouteStep, type Scheduled, schedule } from "./schedule.ts";

/** What a refused deletion says when there is nothing to delete: the aim is reached. ENOENT, ESRCH, ENODEV, EADDRNOTAVAIL */
const absent = new Set(["ENOENT", "ESRCH", "ENODEV", "EADDRNOTAVAIL"]);

/** What a refused creation says when the thing is there: so it is while undoing what may not have happened. */
const present = new Set(["EEXIST"]);
const none: ReadonlySet<string> = new Set();

/** The refusal of a change. */
class Refused extends Error {
  readonly change: Change;
  readonly refusal: KernelRefusal;
  constructor(change: Change, refusal: KernelRefusal) {
    super(refusal.message);
    this.change = change;
    this.refusal = refusal;
  }
}

/**
 * Applies a plan, or throws a PortolanError `kernel` after undoing everything. `depart` is told the namespaces in which links wait for their deletion,
 * whichever way it ends.
 */
export function applyPlan(kernel: Kernel, plan: Plan, depart: (namespace: NamespaceRef) => void): void {
  const application = new Application(kernel, plan, depart);
  try {
    for (const batch of schedule(plan)) application.execute(batch);
  } catch (error) {
    const suppressed = application.undo();
    if (error instanceof Refused) throw refusalError(error.change, error.refusal, suppressed);
    throw error;
  }
}

class Application implements ApplyContext {
  readonly kernel: Kernel;
  readonly #plan: Plan;
  readonly #indexes = new Map<string, number>();
  /** Changes that were begun, oldest first. */
  readonly #begun = new Set<number>();
  /** Deletions that were refused, of things that the messages sent with them may have taken along: an interface that goes down loses its IPv6 addresses. */
  readonly #refused = new Set<number>();
  /** Values that creations of settings and files replaced, to be put back. */
  readonly #replaced = new Map<number, () => void>();
  /** Tells settings of links that the plan makes, once somebody asks. */
  #ofMadeLinks: ((setting: Sysctl | LinkSetting) => boolean) | undefined;
  /** Indexes of links that were retired, by namespace and former name. */
  readonly #retired = new Map<string, number>();
  readonly #depart: (namespace: NamespaceRef) => void;

  constructor(kernel: Kernel, plan: Plan, depart: (namespace: NamespaceRef) => void) {
    this.kernel = kernel;
    this.#plan = plan;
    this.#depart = depart;
  }

  linkIndex(namespace: NamespaceRef, name: string): number {
    const key = `${namespace} ${name}`;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index = this.kernel.linkIndex(namespace, name);
    this.#indexes.set(key, index);
    return index;
  }

  /** A link gives up its name: it is being retired. */
  forgetLink(namespace: NamespaceRef, name: string): void {
    const key = `${namespace} ${name}`;
    const index = this.#indexes.get(key);
    if (index !== undefined) this.#retired.set(key, index);
    this.#indexes.delete(key);
  }

  #change(index: number): Change {
    const change = this.#plan[index];
    if (change === undefined)
      throw new PortolanError("internal", `a plan of ${this.#plan.length} has no change ${index}`);
    return change;
  }

  execute(batch: Batch): void {
    switch (batch.type) {
      case "nft":
        this.#transact(batch.namespace, batch.parts);
        break;
      case "route":
        this.#send(batch.namespace, batch.parts);
        break;
      case "call":
        this.#call(batch.part.change, batch.part.step);
    }
  }

  #call(index: number, step: Extract<Step, { type: "call" }>): void {
    const change = this.#change(index);
    this.#remember(index, change);
    try {
      step.run(this);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (change.action === "delete" && isGone(change.object, error.refusal)) return;
      throw new Refused(change, error.refusal);
    }
    this.#begun.add(index);
  }

  /** Notes what a setting or file was before it is written. */
  #remember(index: number, { action, object }: Change): void {
    if (action !== "create" || this.#goesWithItsLink(object)) return;
    const putBack = whatPutsBack(this.kernel, object);
    if (putBack !== undefined) this.#replaced.set(index, putBack);
  }

  /** Whether it is a setting of a link which the plan makes: it needs not be put back, for the link goes. */
  #goesWithItsLink(object: KernelObject): boolean {
    if (object.kind !== "sysctl" && object.kind !== "link-setting") return false;
    this.#ofMadeLinks ??= settingsOf(
      this.#plan.filter(({ action }) => action === "create").map(({ object: made }) => made),
    );
    return this.#ofMadeLinks(object);
  }

  /** Sends the messages of steps together; a step whose link is made by a message before it makes these go first. */
  #send(namespace: NamespaceRef, parts: readonly Scheduled<RouteStep>[]): void {
    let pending: { readonly change: number; readonly message: NetlinkMessage }[] = [];
    const flush = (): void => {
      const sent = pending;
      pending = [];
      this.#sendNow(namespace, sent);
    };
    for (const { change, step } of parts) {
      let messages = this.#build(change, step);
      if (messages === undefined) {
        flush();
        messages = this.#build(change, step, true) ?? [];
      }
      pending.push(...messages.map((message) => ({ change, message })));
    }
    flush();
  }

  /** A step's messages; undefined where something they name is not there (yet). */
  #build(index: number, step: RouteStep, last = false): readonly NetlinkMessage[] | undefined {
    try {
      return step.messages(this);
    } catch (error) {
      if (!(error instanceof KernelError) || !absent.has(error.refusal.code)) throw error;
      const change = this.#change(index);
      if (!last || change.action === "delete") return undefined;
      throw new Refused(change, error.refusal);
    }
  }

  #sendNow(
    namespace: NamespaceRef,
    sent: readonly { readonly change: number; readonly message: NetlinkMessage }[],
  ): void {
    if (sent.length === 0) return;
    let refusals: readonly (KernelRefusal | undefined)[];
    try {
      refusals = this.kernel.send(
        namespace,
        "route",
        sent.map(({ message }) => message),
      );
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      // The namespace itself is gone.
      const { refusal } = error;
      refusals = sent.map(() => refusal);
    }
    let first: Refused | undefined;
    sent.forEach(({ change: index }, at) => {
      const refusal = refusals[at];
      const change = this.#change(index);
      if (refusal === undefined) this.#begun.add(index);
      else if (change.action !== "delete") first ??= new Refused(change, refusal);
      else if (!isGone(change.object, refusal)) {
        first ??= new Refused(change, refusal);
        this.#refused.add(index);
      }
      if (change.action === "delete" && change.object.kind === "link") this.#depart(change.object.namespace);
    });
    if (first !== undefined) throw first;
  }

  #transact(namespace: NamespaceRef, scheduled: readonly Scheduled<NftStep>[]): void {
    const changes = new Map(scheduled.map(({ change, step }) => [step, change]));
    let parts = transactionParts(
      this.kernel,
      scheduled.map(({ step }) => step),
    );
    for (;;) {
      const refused = this.#commit(namespace, parts);
      if (refused.length === 0) break;
      const gone = new Set(refused.filter(([part, refusal]) => isAbsent(part, refusal)).map(([part]) => part));
      const [first] = refused.filter(([part]) => !gone.has(part));
      const step = first?.[0].steps[0];
      if (first !== undefined && step !== undefined) throw new Refused(this.#change(changes.get(step) ?? 0), first[1]);
      // What is to be deleted and is not there is left out; a message with several elements is first taken apart.
      parts = parts.flatMap((part) => {
        if (!gone.has(part)) return [part];
        return part.steps.length === 1 ? [] : part.steps.flatMap((one) => transactionParts(this.kernel, [one]));
      });
    }
    for (const { change } of scheduled) this.#begun.add(change);
    this.#forgetFlows(scheduled);
  }

  /** What is translated anew from now on; a refusal is told at the first change that translates. */
  #forgetFlows(scheduled: readonly Scheduled<NftStep>[]): void {
    const translating = scheduled.flatMap(({ change, step }) => {
      const ports = translatedPorts(step);
      return ports === undefined ? [] : [{ change, ports }];
    });
    const [first] = translating;
    if (first === undefined) return;
    try {
      forgetFlows(
        this.kernel,
        translating.map(({ ports }) => ports),
      );
    } catch (error) {
      if (error instanceof KernelError) throw new Refused(this.#change(first.change), error.refusal);
      throw error;
    }
  }

  #commit(
    namespace: NamespaceRef,
    parts: readonly TransactionPart[],
  ): readonly (readonly [TransactionPart, KernelRefusal])[] {
    const refusals = this.kernel.send(
      namespace,
      "netfilter",
      parts.map(({ message }) => message),
    );
    return parts.flatMap((part, at) => {
      const refusal = refusals[at];
      return refusal === undefined ? [] : [[part, refusal] as const];
    });
  }

  /** What was to be changed and is not, and stands on something whose deletion has begun: it may have gone with that. */
  #endangered(): readonly number[] {
    const shaken = new Set(
      [...this.#begun].flatMap((index) => {
        const { action, object } = this.#change(index);
        const kind = kindOf(object);
        return action === "delete" ? [kind.key(object), ...(kind.provides?.(object) ?? [])] : [];
      }),
    );
    return this.#plan.flatMap((change, index) => {
      if (change.action === "create" || change.object.kind === "link" || kindIsNft(change) || this.#begun.has(index))
        return [];
      const was = change.action === "delete" ? change.object : change.before;
      return kindOf(was)
        .references(was)
        .some((key) => shaken.has(key))
        ? [index]
        : [];
    });
  }

  /** Undoes what was begun, in the order that references ask for; returns the errors met. */
  undo(): readonly unknown[] {
    const errors: unknown[] = [];
    for (const index of this.#endangered()) this.#refused.add(index);
    const begun = [...this.#begun.union(this.#refused)].toReversed();
    // A transaction is undone as one, because its parts refer to each other in both directions.
    const nft = begun.filter((index) => kindIsNft(this.#change(index)));
    const inverses = new Map(
      begun.filter((index) => !nft.includes(index)).map((index) => [this.#inverse(index), index]),
    );
    for (const inverse of ordered([...inverses.keys()])) {
      this.#attempt(errors, () => this.#undoOne(inverses.get(inverse) ?? 0, inverse));
    }
    this.#attempt(errors, () => this.#undoTransaction(nft));
    return errors;
  }

  /** What takes a change back; one that was not made at most lost what it was to change. */
  #inverse(index: number): Change {
    const change = this.#change(index);
    const lost = change.action === "update" && this.#refused.has(index);
    return lost ? { action: "create", object: change.before } : undoing(change);
  }

  #attempt(errors: unknown[], work: () => void): void {
    try {
      work();
    } catch (error) {
      errors.push(error);
    }
  }

  #undoOne(index: number, inverse: Change): void {
    const change = this.#change(index);
    const putBack = this.#replaced.get(index);
    if (putBack !== undefined) {
      excusing(absent, putBack);
      return;
    }
    const { object } = change;
    const steps = change.action === "delete" && object.kind === "link" ? this.#revival(object) : stepsOf(inverse);
    const excused = change.action === "create" ? absent : this.#refused.has(index) ? present : none;
    for (const step of steps) this.#undoStep(step, excused);
    if (change.action === "create" && object.kind === "link") this.#depart(object.namespace);
  }

  #revival(object: Link): readonly Step[] {
    const own = this.#retired.get(`${object.namespace} ${object.name}`);
    const peer = object.type === "veth" ? this.#retired.get(`${object.peer.namespace} ${object.peer.name}`) : undefined;
    return revive(object, own, peer);
  }

  #undoStep(step: Step, excused: ReadonlySet<string>): void {
    excusing(excused, () => {
      if (step.type === "call") step.run(this);
      else if (step.type === "route") {
        for (const refusal of this.kernel.send(step.namespace, "route", step.messages(this))) {
          if (refusal !== undefined && !excused.has(refusal.code)) throw new KernelError("undo", refusal);
        }
      }
    });
  }

  #undoTransaction(indexes: readonly number[]): void {
    // What was put in an element's place goes before that comes back.
    const inverse = inversePlan(indexes.toReversed().map((index) => this.#change(index)));
    for (const batch of schedule(inverse)) {
      if (batch.type !== "nft") continue;
      const parts = transactionParts(
        this.kernel,
        batch.parts.map(({ step }) => step),
      );
      const [refused] = this.#commit(batch.namespace, parts);
      if (refused !== undefined) throw new KernelError("undo the nft transaction", refused[1]);
      forgetFlows(
        this.kernel,
        batch.parts.flatMap(({ step }) => translatedPorts(step) ?? []),
      );
    }
  }
}

/** Whether a refused deletion says that there is nothing to delete. */
const isGone = (object: KernelObject, { code }: KernelRefusal): boolean =>
  absent.has(code) || kindOf(object).gone?.has(code) === true;

/** Works, whatever of these errors the kernel refuses with. */
function excusing(codes: ReadonlySet<string>, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof KernelError && codes.has(error.refusal.code))) throw error;
  }
}

const kindIsNft = ({ object }: Change): boolean => object.kind.startsWith("nft-");

const isAbsent = ({ steps }: TransactionPart, { code }: KernelRefusal): boolean =>
  code === "ENOENT" && steps.every(({ verb }) => verb === "delete");

function stepsOf(change: Change): readonly Step[] {
  const kind = kindOf(change.object);
  if (change.action === "create") return kind.create(change.object);
  return change.action === "delete" ? kind.delete(change.object) : (kind.update(change.before, change.object) ?? []);
}
