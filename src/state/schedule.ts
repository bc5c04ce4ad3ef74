/**
 * From a plan to batches of steps: as few sends as the plan's order allows. Steps keep their order where one refers to the other's object; between
 * independent ones those of the same namespace travel together.
 */
import type { NamespaceRef } from "../kernel/kernel.ts";
import { droppedNamespaces, goesWithNamespace } from "./dropped.ts";
import { linkKey, namespaceKey, type Step } from "./kind.ts";
import { kindOf } from "./kinds/registry.ts";
import type { NftStep } from "./nft/transaction.ts";
import type { KernelObject } from "./objects.ts";
import type { Change, Plan } from "./plan-types.ts";

export type RouteStep = Extract<Step, { type: "route" }>;
export type CallStep = Extract<Step, { type: "call" }>;

/** A step and the change it is a part of (an index into the plan). */
export interface Scheduled<Part extends Step = Step> {
  readonly change: number;
  readonly step: Part;
}

export type Batch =
  | { readonly type: "nft"; readonly namespace: NamespaceRef; readonly parts: readonly Scheduled<NftStep>[] }
  | { readonly type: "route"; readonly namespace: NamespaceRef; readonly parts: readonly Scheduled<RouteStep>[] }
  | { readonly type: "call"; readonly part: Scheduled<CallStep> };

interface Waiting extends Scheduled {
  /** Steps that come first. */
  readonly after: Set<Waiting>;
  done: boolean;
}

/** Which namespaces a plan removes, and what goes with them. */
interface Removal {
  readonly paths: ReadonlySet<string>;
  readonly takes: (object: KernelObject) => boolean;
}

/** The steps of one change. What lives in a namespace that the plan removes goes with it. */
function stepsOf(change: Change, removed: Removal): readonly Step[] {
  const kind = kindOf(change.object);
  if (change.action === "create") return kind.create(change.object);
  if (change.action === "update") return kind.update(change.before, change.object) ?? [];
  const steps = kind.delete(change.object);
  if (change.object.kind === "namespace" || removed.paths.size === 0) return steps;
  const goes = (step: Step): boolean => "namespace" in step && removed.paths.has(step.namespace);
  return removed.takes(change.object) ? [] : steps.filter((step) => !goes(step));
}

/** The batches of a plan, in the order in which they are executed. */
export function schedule(plan: Plan): readonly Batch[] {
  const paths = droppedNamespaces(plan);
  const removed: Removal = { paths, takes: goesWithNamespace(plan, paths) };
  const batches: Batch[] = [];
  // The firewall and ports have their places, and nothing waits for them: plans with thousands of them are spared the search.
  const apart = plan.flatMap((change, index): Scheduled[] =>
    hasItsPlace(change) ? stepsOf(change, removed).map((step) => ({ change: index, step })) : [],
  );
  const nft = apart.filter((one): one is Scheduled<NftStep> => one.step.type === "nft");
  const ports = apart.filter((one): one is Scheduled<CallStep> => one.step.type === "call");
  const rest = waitingSteps(plan, removed);
  const withdrawing = nft.length > 0 && nft.every(({ step }) => step.verb === "delete");
  const transactions = [...Map.groupBy(nft, ({ step }) => step.namespace)].map(
    ([namespace, parts]): Batch => ({ type: "nft", namespace, parts }),
  );
  // A port is ours before anything leads from it, and until nothing does.
  const [claims, releases] = [
    ports.filter((one) => !isDeletion(plan, one)),
    ports.filter((one) => isDeletion(plan, one)),
  ];
  batches.push(...claims.map((part): Batch => ({ type: "call", part })));
  // What protects stands before there is traffic, and goes when there is none any more.
  if (!withdrawing) batches.push(...transactions);
  for (let waiting = rest; waiting.length > 0; ) {
    const batch = nextBatch(waiting);
    batches.push(batch);
    waiting = waiting.filter(({ done }) => !done);
  }
  const last = [...(withdrawing ? transactions : []), ...releases.map((part): Batch => ({ type: "call", part }))];
  batches.splice(batches.findIndex(isNamespaceDrop(plan)) >>> 0, 0, ...last);
  return batches;
}

const hasItsPlace = ({ object }: Change): boolean => object.kind === "port" || object.kind.startsWith("nft-");
const isDeletion = (plan: Plan, { change }: Scheduled): boolean => plan[change]?.action === "delete";

/** Whether a batch drops a namespace, after which nothing can be undone: it comes last. */
const isNamespaceDrop =
  (plan: Plan) =>
  (batch: Batch): boolean => {
    const change = batch.type === "call" ? plan[batch.part.change] : undefined;
    return change?.action === "delete" && change.object.kind === "namespace";
  };

/**
 * Whether what a change does to a link can be done as soon as that is born. Some sysctls have to be set before it is up; coming up, it loses nothing by another
 * address or master.
 */
const isEarly = ({ object }: Change): boolean =>
  object.kind === "sysctl" || (object.kind === "link-setting" && ["mac", "master"].includes(object.setting));

/** The steps of everything else, and what each waits for. */
function waitingSteps(plan: Plan, removed: Removal): readonly Waiting[] {
  /** The last steps so far that touch what a key names. */
  const last = new Map<string, Waiting>();
  /** The steps that make links. */
  const births = new Map<string, Waiting>();
  /** The steps that set properties of a link, by its key. */
  const settings = new Map<string, Waiting[]>();
  /** What gateways are found by: the links and addresses of each namespace. */
  const ground = new Map<NamespaceRef, Waiting[]>();
  const all: Waiting[] = [];
  plan.forEach((change, index) => {
    if (hasItsPlace(change)) return;
    const kind = kindOf(change.object);
    const own = [kind.key(change.object), ...(kind.provides?.(change.object) ?? [])];
    const left = change.action === "update" ? kind.references(change.before) : [];
    const touched = [...own, ...kind.references(change.object), ...left];
    // Nothing is left to do in a namespace once it is dropped, and dropping it cannot be undone.
    const isDrop = change.action === "delete" && change.object.kind === "namespace";
    for (const step of stepsOf(change, removed)) {
      const early = step.type === "call" && isEarly(change);
      const before = isDrop
        ? all
        : touched.flatMap((key) => (early ? births.get(key) : undefined) ?? last.get(key) ?? []);
      const waiting: Waiting = { change: index, step, after: new Set(before), done: false };
      all.push(waiting);
      if (change.object.kind === "link-setting") {
        const { namespace, link } = change.object;
        settings.getOrInsertComputed(linkKey(namespace, link), () => []).push(waiting);
      } else if (change.action !== "delete" && change.object.kind !== "link" && change.object.kind !== "sysctl") {
        // Setting one may take a link down, and what stands on it along.
        for (const key of touched) for (const one of settings.get(key) ?? []) waiting.after.add(one);
      }
      if (step.type === "route" && change.action !== "delete") {
        const there = ground.getOrInsertComputed(step.namespace, () => []);
        const { kind } = change.object;
        if (kind === "link" || kind === "address") there.push(waiting);
        else if (kind === "route") for (const one of there) waiting.after.add(one);
      }
      for (const key of [...own, ...left]) last.set(key, waiting);
      if (step.type === "route" && step.birth) for (const key of own) births.set(key, waiting);
      // Deletions come before those of what they refer to.
      if (change.action === "delete")
        for (const key of touched) if (key !== namespaceKey("host")) last.set(key, waiting);
    }
  });
  return all;
}

/** Calls that are ready come first; then the namespace with the most messages to send. Marks what it takes as done. */
function nextBatch(waiting: readonly Waiting[]): Batch {
  const call = waiting.find((one): one is Waiting & { step: CallStep } => one.step.type === "call" && isReady(one));
  if (call !== undefined) {
    call.done = true;
    return { type: "call", part: call };
  }
  let best: readonly (Waiting & { step: RouteStep })[] = [];
  for (const namespace of new Set(waiting.flatMap(({ step }) => (step.type === "route" ? [step.namespace] : [])))) {
    const taken = readyIn(waiting, namespace);
    if (taken.length > best.length) best = taken;
  }
  const [first] = best;
  if (first === undefined) throw new Error("steps wait for each other in a circle");
  for (const part of best) part.done = true;
  return { type: "route", namespace: first.step.namespace, parts: best };
}

const isReady = ({ after }: Waiting): boolean => [...after].every(({ done }) => done);

/** The steps that one send to a namespace can carry: ready, or waiting for those before them in the same send alone. */
function readyIn(waiting: readonly Waiting[], namespace: NamespaceRef): readonly (Waiting & { step: RouteStep })[] {
  const taken = new Set<Waiting>();
  return waiting.filter((one): one is Waiting & { step: RouteStep } => {
    if (one.step.type !== "route" || one.step.namespace !== namespace) return false;
    if (![...one.after].every((before) => before.done || taken.has(before))) return false;
    if (!one.step.birth) taken.add(one);
    return true;
  });
}
