/**
 * An engine without a kernel, for property tests of the model: it keeps what plans make in memory, and refuses a plan that the kernel would refuse, as a
 * whole and with the same error.
 */
import { PortolanError } from "../../src/errors.ts";
import { type FeatureAnswer, type FeatureName, type FeatureReport, features } from "../../src/kernel/features.ts";
import type { Engine, NamespaceFacts } from "../../src/state/engine.ts";
import type { KernelObject } from "../../src/state/objects.ts";
import { plan } from "../../src/state/plan.ts";
import type { Plan } from "../../src/state/plan-types.ts";
import { refusalError } from "../../src/state/refusal.ts";
import { Faults } from "./faults.ts";
import { MemoryKernel } from "./memory-kernel.ts";
import { factsOf, observed } from "./memory-observation.ts";
import type { ForeignState } from "./memory-rules.ts";

export interface MemoryEngineOptions {
  /** What is there before the engine makes anything: the host has a loopback link and nothing else where it is left out. */
  readonly foreign?: ForeignState;
  /** Destinations of routes that the host has of its own, in addition to those of its addresses. */
  readonly foreignRoutes?: NamespaceFacts["routes"];
  /** Features that this kernel lacks. */
  readonly lacking?: readonly FeatureName[];
  /** Counts the changes of plans, and lets one fail. */
  readonly faults?: Faults;
}

export interface MemoryEngine extends Engine {
  /** Everything that is there of the engine's making, and every setting that is not as it was, by identity: comparable. */
  state(): Readonly<Record<string, KernelObject | string>>;
  /** Every object but settings. */
  objects(): readonly KernelObject[];
  /** Removes an object behind the engine's back, with what goes with it in the kernel. */
  vanish(object: KernelObject): void;
  /** Makes changes behind the engine's back. */
  interfere(changes: Plan): void;
}

/** Makes an engine with an empty host. */
export function createMemoryEngine({
  foreign = {},
  foreignRoutes = [],
  lacking = [],
  faults = new Faults(),
}: MemoryEngineOptions = {}): MemoryEngine {
  const kernel = new MemoryKernel(foreign);
  let closed = false;

  function open(): void {
    if (closed) throw new PortolanError("internal", "the engine is closed");
  }

  /** Ends of pairs in sandboxes. */
  const peers = (): ReadonlySet<string> =>
    new Set(
      [...kernel.objects()].flatMap((one) =>
        one.kind === "link" && one.type === "veth" ? [`${one.peer.namespace} ${one.peer.name}`] : [],
      ),
    );

  return {
    async apply(changes) {
      open();
      kernel.transact(changes, (change, { refusal }) => refusalError(change, refusal, []), faults);
    },
    async observe(desired) {
      open();
      return observed(kernel, desired);
    },
    async watchRuleset() {
      open();
    },
    async mendRuleset(desired) {
      open();
      const there = observed(kernel, desired).filter((object) => object.kind.startsWith("nft-"));
      const changes = plan(desired, there);
      kernel.transact(changes, (change, { refusal }) => refusalError(change, refusal, []), faults);
      return changes;
    },
    async tryPackets({ packets }) {
      open();
      return { fates: packets.map(() => ({ dropped: [], translated: [] })), uplinks: { 4: [], 6: [] }, legacy: [] };
    },
    async facts(namespace) {
      open();
      return factsOf(kernel, namespace, foreign, foreignRoutes);
    },
    async readSysctls(namespace, names) {
      open();
      return names.map((name) => kernel.readSysctl(namespace, name));
    },
    async readLinkSettings(namespace, settings) {
      open();
      return settings.map((one) => kernel.readSetting({ kind: "link-setting", namespace, ...one }));
    },
    async heldPorts() {
      open();
      return [...kernel.objects()].filter((object) => object.kind === "port");
    },
    async portRefusals(claims) {
      open();
      const held = [...kernel.objects()].filter((object) => object.kind === "port");
      return claims.map(({ protocol, address, first, last }) =>
        held.some(
          (one) =>
            one.protocol === protocol &&
            first <= one.last &&
            one.first <= last &&
            (address === undefined || one.address === undefined || address === one.address),
        )
          ? { errno: 98, code: "EADDRINUSE", message: "Address already in use" }
          : undefined,
      );
    },
    async findClaim() {
      open();
      return undefined;
    },
    async hasLink(namespace, link) {
      open();
      return peers().has(`${namespace} ${link}`);
    },
    async linkStatistics(links) {
      open();
      const none = { bytes: 0, packets: 0, errors: 0, dropped: 0 };
      const there = peers();
      return links.map(({ namespace, link }) =>
        there.has(`${namespace} ${link}`) ? { rx: none, tx: none } : undefined,
      );
    },
    async features() {
      open();
      return report(lacking);
    },
    async namespaceExists(path) {
      open();
      return kernel.hasNamespace(path);
    },
    async departed() {},
    async settle() {
      open();
    },
    async close() {
      closed = true;
    },
    state: () => kernel.state(),
    objects: () => [...kernel.objects()],
    vanish: (object) => kernel.vanish(object),
    interfere: (changes) => kernel.transact(changes, (_change, refusal) => refusal),
  };
}

const yes: FeatureAnswer = { state: "yes" };

/** The answers of a kernel that has all features but some. */
function report(lacking: readonly FeatureName[]): FeatureReport {
  const answer = (name: FeatureName): FeatureAnswer =>
    lacking.includes(name) ? { state: "no", reason: "the test says so" } : yes;
  // One entry for each name there is.
  const names = Object.keys(features) as FeatureName[];
  return Object.fromEntries(names.map((name) => [name, answer(name)])) as FeatureReport;
}
