/**
 * The engine, around a kernel seam, on its caller's thread: the kernel has done what a plan asks for before it would have woken another one
 * (docs/decisions/0025). What holds a thread for tens of milliseconds is done elsewhere: links are deleted on a thread of Node's pool, and whoever looks at a
 * thousand namespaces lets others have their turn in between.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isPortolanError } from "../errors.ts";
import type { FeatureReport } from "../kernel/features.ts";
import { type Kernel, KernelError, type NamespaceRef } from "../kernel/kernel.ts";
import { rulesetGroup } from "../kernel/netlink/nftables/message.ts";
import { probeFeatures } from "../kernel/probe.ts";
import { Announcer } from "./announcer.ts";
import { applyPlan } from "./apply.ts";
import { createBreather } from "./breathe.ts";
import { findClaim } from "./duplicates.ts";
import type { Engine } from "./engine.ts";
import { readFacts } from "./facts.ts";
import { readLinkSetting } from "./kinds/link-setting.ts";
import { observe, observeRuleset } from "./observe.ts";
import { plan } from "./plan.ts";
import type { Change, Plan } from "./plan-types.ts";
import { askRuleset } from "./ruleset/ask.ts";
import { type RulesetChange, rulesetChanges } from "./ruleset-changes.ts";
import { readStatistics } from "./statistics.ts";
import { Sweeper } from "./sweeper.ts";

/** When a watch that has failed is begun anew, milliseconds. */
const watchAgain = 1000;

/**
 * Whether a link cannot be made while one that was put out of the way still has its place: a VLAN's number, a parent that is one link's alone, an address of an ipvlan
 * link.
 */
const needsItsPlace = ({ action, object }: Change): boolean =>
  action === "create" &&
  object.kind === "link" &&
  (object.type === "vlan" || object.type === "ipvlan" || (object.type === "macvlan" && object.mode === "passthru"));

/** How long the kernel is given to take a namespace apart, and how long until it is looked again, milliseconds. */
const takenApart = 5000;
const triedAgain = 20;

const dropsNamespace = ({ action, object }: Change): boolean => action === "delete" && object.kind === "namespace";

function isThere(kernel: Kernel, namespace: NamespaceRef, link: string): boolean {
  try {
    return kernel.hasLink(namespace, link);
  } catch (error) {
    if (error instanceof KernelError) return false;
    throw error;
  }
}

/** Makes an engine around a kernel seam, which it closes at its end. */
export function createEngine(kernel: Kernel): Engine {
  const announcer = new Announcer(kernel);
  const sweeper = new Sweeper(kernel);
  const closing = new AbortController();
  let watching: Promise<void> | undefined;
  let features: FeatureReport | undefined;
  let droppedAt = Number.NEGATIVE_INFINITY;

  /** Not while links are being deleted: they may be those that a failing plan would call back, and the kernel would have us wait anyway. */
  async function apply(plan: Plan): Promise<void> {
    const placed = plan.some(needsItsPlace);
    if (placed) await sweeper.settle();
    else if (sweeper.sweeping !== undefined) await sweeper.sweeping;
    announcer.forget(plan);
    try {
      if (placed) await applyInTime(plan);
      else applyNow(plan);
    } finally {
      sweeper.restSoon();
    }
    announcer.begin(plan);
  }

  function applyNow(plan: Plan): void {
    applyPlan(kernel, plan, (namespace) => sweeper.depart(namespace));
    if (plan.some(dropsNamespace)) droppedAt = performance.now();
  }

  /** The kernel takes a namespace apart when it likes, and until then its links have their places: a refusal soon after may come of that. */
  async function applyInTime(plan: Plan): Promise<void> {
    for (;;) {
      try {
        applyNow(plan);
        return;
      } catch (error) {
        if (!isPortolanError(error, "kernel") || error.suppressed.length > 0) throw error;
        if (performance.now() - droppedAt > takenApart) throw error;
        await sleep(triedAgain);
      }
    }
  }

  async function watch(listener: (change: RulesetChange) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const change of rulesetChanges(kernel.watch("netfilter", rulesetGroup, signal))) listener(change);
      } catch (error) {
        console.error(`the ruleset is watched again in ${watchAgain} ms: ${error}`);
        await sleep(watchAgain, undefined, { ref: false, signal }).catch(() => undefined);
        listener({ tables: undefined });
      }
    }
  }

  /** What is asked of namespaces may leave them held open. */
  function asking<Parameters extends readonly unknown[], Result>(
    ask: (...parameters: Parameters) => Result | Promise<Result>,
  ): (...parameters: Parameters) => Promise<Result> {
    return async (...parameters) => {
      try {
        return await ask(...parameters);
      } finally {
        sweeper.restSoon();
      }
    };
  }

  return {
    apply,
    observe: asking((desired, left = []) => observe(kernel, desired, left, (namespace) => sweeper.depart(namespace))),
    watchRuleset: async (listener) => {
      watching ??= watch(listener, closing.signal);
    },
    mendRuleset: async (desired) => {
      const changes = plan(desired, observeRuleset(kernel, desired));
      if (changes.length > 0) await apply(changes);
      return changes;
    },
    tryPackets: asking((question) => askRuleset(kernel, question)),
    facts: asking((namespace) => readFacts(kernel, namespace)),
    readSysctls: asking((namespace, names) => names.map((name) => kernel.readSysctl(namespace, name))),
    readLinkSettings: asking((namespace, settings) =>
      settings.map(({ link, setting }) => readLinkSetting(kernel, { namespace, link, setting })),
    ),
    heldPorts: async () => kernel.heldPorts(),
    portRefusals: async (claims, namespace) => claims.map((claim) => kernel.portRefusal(claim, namespace)),
    hasLink: asking((namespace, link) => isThere(kernel, namespace, link)),
    linkStatistics: asking(async (links) => {
      const breathe = createBreather();
      const found = [];
      for (const { namespace, link } of links) {
        found.push(readStatistics(kernel, namespace, link));
        await breathe();
      }
      return found;
    }),
    findClaim: asking(async (namespace, link, addresses) => {
      try {
        return await findClaim(kernel, namespace, link, addresses);
      } catch (error) {
        // A link that is not there, or is down, has nobody who could have them; what is wrong with it the join will tell.
        if (error instanceof KernelError) return undefined;
        throw error;
      }
    }),
    features: async () => {
      features ??= probeFeatures(kernel);
      return features;
    },
    namespaceExists: asking((path) => kernel.namespaceExists(path)),
    settle: () => sweeper.settle(),
    departed: () => sweeper.departed(),
    close: async () => {
      closing.abort();
      await watching;
      announcer.close();
      await sweeper.close();
      kernel.close();
    },
  };
}
