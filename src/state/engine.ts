/**
 * The engine's face to the model (create-engine.ts makes one). Asynchronous, because some of it waits for the network, for other threads or for its turn.
 */
import type { Subnet } from "../address/cidr.ts";
import type { Family, IpAddress } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { FeatureReport } from "../kernel/features.ts";
import type { KernelRefusal, PortClaim } from "../kernel/kernel.ts";
import type { LinkStatistics } from "../kernel/netlink/route/link-statistics.ts";
import type { AddressClaim } from "./duplicates.ts";
import type { KernelObject, LinkSetting, NamespaceRef } from "./objects.ts";
import type { Plan } from "./plan-types.ts";
import type { PacketAnswer, PacketQuestion } from "./ruleset/ask.ts";
import type { RulesetChange } from "./ruleset-changes.ts";

export type { FeatureName, FeatureReport } from "../kernel/features.ts";
export type { PacketAnswer, PacketQuestion } from "./ruleset/ask.ts";
export { outside, type TrialPacket } from "./ruleset/packet.ts";
export type { ChainPlace } from "./ruleset/walk.ts";
export type { RulesetChange } from "./ruleset-changes.ts";

/** What a namespace holds now that choices depend on, foreign objects included. */
export interface NamespaceFacts {
  readonly links: readonly {
    readonly name: string;
    readonly type: string;
    readonly up: boolean;
    readonly mtu: number;
    readonly mac?: MacAddress;
    /** Of a bridge: whether it keeps VLANs apart, and the one that a new port is a member of, 0 for none. */
    readonly vlans?: { readonly filtering: boolean; readonly default: number };
  }[];
  readonly addresses: readonly { readonly link: string; readonly address: IpAddress; readonly subnet: Subnet }[];
  /** Destinations of the main and local tables but defaults. */
  readonly routes: readonly { readonly destination: Subnet; readonly link?: string }[];
  /** Default routes of the main table. */
  readonly defaults: readonly { readonly family: Family; readonly link?: string; readonly gateway?: IpAddress }[];
  /** Families whose firewall sees what passes between the ports of bridges (net.bridge.bridge-nf-call-iptables, …-ip6tables). */
  readonly filteredBridging: readonly Family[];
}

export interface Engine {
  /**
   * Makes the changes of a plan, in its order, batched. On a refusal everything done is undone, newest first, and a PortolanError
   * `kernel` is thrown that names the object, the kernel's words and advice; errors of the undoing are attached as suppressed.
   * Links are deleted behind the caller's back: they are out of the way when this resolves (`settle` waits for their end).
   */
  apply(plan: Plan): Promise<void>;
  /**
   * Reads back what is there: every object that carries the engine's ownership mark in the namespaces that `desired` and `left` name
   * (and the host), the sysctls and files that they name, as they are now, and addresses and routes that somebody put in the place of desired ones.
   * `left` are objects that may be left over, and wanted no more.
   */
  observe(desired: readonly KernelObject[], left?: readonly KernelObject[]): Promise<readonly KernelObject[]>;
  /**
   * Calls `listener` after each transaction in which somebody else changed the host's ruleset, until the engine closes. Resolves when nothing can be missed
   * any more. A listener is never called twice for one transaction, and keeps no process alive.
   */
  watchRuleset(listener: (change: RulesetChange) => void): Promise<void>;
  /**
   * Compares the host's ruleset with `desired`, all of it that is wanted, and makes it so; what was done. Looks at nothing else, so that it takes as long as
   * the ruleset is large. Throws what {@link apply} throws.
   */
  mendRuleset(desired: readonly KernelObject[]): Promise<Plan>;
  /** What becomes of packets in the rulesets of others on this host. */
  tryPackets(question: PacketQuestion): Promise<PacketAnswer>;
  /** Facts about one namespace; throws `not-found` where the namespace does not exist. */
  facts(namespace: NamespaceRef): Promise<NamespaceFacts>;
  /** Current values of sysctls, in order; undefined where one does not exist. */
  readSysctls(namespace: NamespaceRef, names: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** Present values of properties of links, in order; undefined where the link or the namespace is not there, or has no such property. */
  readLinkSettings(
    namespace: NamespaceRef,
    settings: readonly Pick<LinkSetting, "link" | "setting">[],
  ): Promise<readonly (string | undefined)[]>;
  /** Ports of the host that this engine holds. */
  heldPorts(): Promise<readonly PortClaim[]>;
  /**
   * For each claim, in order, why its ports could not be held now; undefined where they could: nobody, this engine included, has one. Where a namespace is given,
   * processes in it and those that started them do not count.
   */
  portRefusals(claims: readonly PortClaim[], namespace?: string): Promise<readonly (KernelRefusal | undefined)[]>;
  /**
   * Asks on a link who has addresses, or is about to take them: the first claim; undefined where nobody answers within 300 ms, or the link is not there. Others are
   * served meanwhile.
   */
  findClaim(namespace: NamespaceRef, link: string, addresses: readonly IpAddress[]): Promise<AddressClaim | undefined>;
  /** Whether a link is there; not where the namespace is not. */
  hasLink(namespace: NamespaceRef, link: string): Promise<boolean>;
  /** Counters of links, in order; undefined where one does not exist. */
  linkStatistics(
    links: readonly { readonly namespace: NamespaceRef; readonly link: string }[],
  ): Promise<readonly (LinkStatistics | undefined)[]>;
  /** What this kernel can do; asked once. */
  features(): Promise<FeatureReport>;
  /** Whether a path is a network namespace. */
  namespaceExists(path: string): Promise<boolean>;
  /** Carries out all deferred deletions. */
  settle(): Promise<void>;
  /** Resolves when all deferred deletions have been carried out, in the pause that they wait for. */
  departed(): Promise<void>;
  /** Finishes deferred deletions and stops. */
  close(): Promise<void>;
}
