/** The synchronous core of the engine, around a kernel seam: what both engines run, one on its caller's thread, one on a worker. */
import { setTimeout as sleep } from "node:timers/promises";
import type { IpAddress } from "../address/ip.ts";
import type { FeatureReport } from "../kernel/features.ts";
import { type Kernel, KernelError, type KernelRefusal, type NamespaceRef, type PortClaim } from "../kernel/kernel.ts";
import { rulesetGroup } from "../kernel/netlink/nftables/message.ts";
import { deleteLinkGroup } from "../kernel/netlink/route/link.ts";
import type { LinkStatistics } from "../kernel/netlink/route/link-statistics.ts";
import { departingLinkGroup } from "../kernel/netlink/route/ownership.ts";
import { probeFeatures } from "../kernel/probe.ts";
import { Announcer } from "./announcer.ts";
import { applyPlan } from "./apply.ts";
import { type AddressClaim, findClaim } from "./duplicates.ts";
import type { NamespaceFacts } from "./engine.ts";
import { readFacts } from "./facts.ts";
import type { KernelObject } from "./objects.ts";
import { observe, observeRuleset } from "./observe.ts";
import { plan } from "./plan.ts";
import type { Plan } from "./plan-types.ts";
import { askRuleset, type PacketAnswer, type PacketQuestion } from "./ruleset/ask.ts";
import { type RulesetChange, rulesetChanges } from "./ruleset-changes.ts";
import { readStatistics } from "./statistics.ts";

/** How often a sweep that fails is tried again before it is left to the next start. */
const sweepTries = 5;
/** When a watch that has failed is begun anew, milliseconds. */
const watchAgain = 1000;

export class Core {
  readonly #kernel: Kernel;
  /** Namespaces with links that wait for their deletion, and how often it was tried. The host's may hold some from an earlier run. */
  readonly #departing = new Map<NamespaceRef, number>([["host", 0]]);
  readonly #closing = new AbortController();
  #watching: Promise<void> | undefined;
  readonly #announcer: Announcer;
  #features: FeatureReport | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#announcer = new Announcer(kernel);
  }

  apply(plan: Plan): void {
    this.#announcer.forget(plan);
    applyPlan(this.#kernel, plan, (namespace) => this.#departing.set(namespace, 0));
    this.#announcer.begin(plan);
  }

  observe(desired: readonly KernelObject[], left?: readonly KernelObject[]): readonly KernelObject[] {
    return observe(this.#kernel, desired, left);
  }

  mendRuleset(desired: readonly KernelObject[]): Plan {
    const changes = plan(desired, observeRuleset(this.#kernel, desired));
    if (changes.length > 0) this.apply(changes);
    return changes;
  }

  /** Begins to tell what others do to the ruleset, until the end. */
  watchRuleset(listener: (change: RulesetChange) => void): void {
    const { signal } = this.#closing;
    this.#watching ??= this.#watch(listener, signal);
  }

  tryPackets(question: PacketQuestion): PacketAnswer {
    return askRuleset(this.#kernel, question);
  }

  facts(namespace: NamespaceRef): NamespaceFacts {
    return readFacts(this.#kernel, namespace);
  }

  readSysctls(namespace: NamespaceRef, names: readonly string[]): readonly (string | undefined)[] {
    return names.map((name) => this.#kernel.readSysctl(namespace, name));
  }

  heldPorts(): readonly PortClaim[] {
    return this.#kernel.heldPorts();
  }

  portRefusals(claims: readonly PortClaim[]): readonly (KernelRefusal | undefined)[] {
    return claims.map((claim) => this.#kernel.portRefusal(claim));
  }

  async findClaim(
    namespace: NamespaceRef,
    link: string,
    addresses: readonly IpAddress[],
  ): Promise<AddressClaim | undefined> {
    try {
      return await findClaim(this.#kernel, namespace, link, addresses);
    } catch (error) {
      // A link that is not there, or is down, has nobody who could have them; what is wrong with it the join will tell.
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  linkStatistics(
    links: readonly { readonly namespace: NamespaceRef; readonly link: string }[],
  ): readonly (LinkStatistics | undefined)[] {
    return links.map(({ namespace, link }) => readStatistics(this.#kernel, namespace, link));
  }

  features(): FeatureReport {
    this.#features ??= probeFeatures(this.#kernel);
    return this.#features;
  }

  namespaceExists(path: string): boolean {
    return this.#kernel.namespaceExists(path);
  }

  /** Whether links wait for their deletion. */
  get hasDeparting(): boolean {
    return this.#departing.size > 0;
  }

  /** What is done in a pause: links are deleted, and nothing is held that would keep somebody's namespace alive. */
  rest(): void {
    this.sweep();
    this.#kernel.forgetNamespaces();
  }

  /** Deletes all links that were put out of the way, a message for each namespace. */
  sweep(): void {
    for (const [namespace, tries] of [...this.#departing]) {
      const failure = this.#sweepOne(namespace);
      if (failure === undefined || tries + 1 >= sweepTries) {
        this.#departing.delete(namespace);
        if (failure !== undefined) console.error(`links wait for their deletion until the next start: ${failure}`);
      } else this.#departing.set(namespace, tries + 1);
    }
  }

  /** Why it could not be done; undefined where it was, or nothing was there. */
  #sweepOne(namespace: NamespaceRef): string | undefined {
    try {
      const [refusal] = this.#kernel.send(namespace, "route", [deleteLinkGroup(departingLinkGroup)]);
      return refusal === undefined || refusal.code === "ENODEV" ? undefined : refusal.message;
    } catch (error) {
      if (error instanceof KernelError) return error.refusal.code === "ENOENT" ? undefined : error.message;
      throw error;
    }
  }

  async #watch(listener: (change: RulesetChange) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const notifications = this.#kernel.watch("netfilter", rulesetGroup, signal);
        for await (const change of rulesetChanges(notifications)) listener(change);
      } catch (error) {
        console.error(`the ruleset is watched again in ${watchAgain} ms: ${error}`);
        await sleep(watchAgain, undefined, { ref: false, signal }).catch(() => undefined);
        listener({ tables: undefined });
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watching;
    this.#announcer.close();
    this.sweep();
    this.#kernel.close();
  }
}
