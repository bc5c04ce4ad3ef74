/** Runs checks against a plugin directory: each on a host that nothing has been done to. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type Check, titleOf } from "./check.ts";
import { Disagreement, NotApplicable } from "./expectation.ts";
import type { Feature } from "./lab/features.ts";
import { Host } from "./lab/host.ts";
import { difference, stateOf } from "./lab/state.ts";
import { newestCommon, type PluginDirectory } from "./plugins.ts";
import { Trial } from "./trial.ts";
import { atLeast, type Version } from "./versions.ts";

/** What a check said of a plugin directory. */
export interface Finding {
  readonly check: Check;
  readonly verdict: "passed" | "failed" | "not applicable";
  /** What was seen, or why it does not apply; empty where it passed. */
  readonly words: string;
  readonly milliseconds: number;
}

/** How a run is made. */
export interface RunOptions {
  /** How many checks run at once, each on a host of its own. */
  readonly jobs: number;
  readonly missing: ReadonlyMap<Feature, string>;
  /** Hears of each finding as it comes. */
  readonly heard?: (finding: Finding) => void;
}

/** As many as keep the processors busy: half of a check is waiting for something not to answer. */
export const defaultJobs = (): number => 2 * availableParallelism();

/** A check that takes longer has failed. */
const patience = 60_000;

/** Runs the checks and returns what they found, in their order. */
export async function runChecks(
  plugins: PluginDirectory,
  checks: readonly Check[],
  options: RunOptions,
): Promise<readonly Finding[]> {
  const findings = new Map<Check, Finding>();
  const waiting = checks.entries();
  const work = mkdtempSync(join(tmpdir(), "cni-conformance-"));
  const lane = async (): Promise<void> => {
    const hosts = new Hosts(plugins);
    try {
      for (const [index, subject] of waiting) {
        const finding = await runCheck(plugins, subject, index + 1, options.missing, hosts, work);
        findings.set(subject, finding);
        options.heard?.(finding);
      }
    } finally {
      await hosts.close();
    }
  };
  try {
    await Promise.all(Array.from({ length: options.jobs }, lane));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return checks.flatMap((subject) => findings.get(subject) ?? []);
}

/** A lane's hosts: a new one for each check; where a service has to start on it, the same one for as long as checks leave it as it was. */
class Hosts {
  readonly #plugins: PluginDirectory;
  #kept: { readonly host: Host; readonly state: readonly string[] } | undefined;

  constructor(plugins: PluginDirectory) {
    this.#plugins = plugins;
  }

  get keeps(): boolean {
    return this.#plugins.service !== undefined;
  }

  async take(): Promise<Host> {
    if (this.#kept !== undefined) return this.#kept.host;
    const host = await Host.open(this.#plugins.service);
    this.#kept = { host, state: this.keeps ? await stateOf(host) : [] };
    return host;
  }

  async giveBack(): Promise<void> {
    if (this.#kept === undefined) return;
    const { host, state } = this.#kept;
    if (this.keeps && difference(state, await stateOf(host)).length === 0) return;
    await this.close();
  }

  async close(): Promise<void> {
    await this.#kept?.host.close();
    this.#kept = undefined;
  }
}

async function runCheck(
  plugins: PluginDirectory,
  subject: Check,
  number: number,
  missing: ReadonlyMap<Feature, string>,
  hosts: Hosts,
  work: string,
): Promise<Finding> {
  const reason = inapplicable(plugins, subject, missing);
  if (typeof reason !== "object") return { check: subject, verdict: "not applicable", words: reason, milliseconds: 0 };
  const host = await hosts.take();
  const began = performance.now();
  const trial = new Trial(host, plugins, reason.version, number, work);
  const told = await verdictOf(subject, trial);
  const milliseconds = Math.round(performance.now() - began);
  await trial.close(hosts.keeps);
  await hosts.giveBack();
  return { check: subject, ...told, milliseconds };
}

async function verdictOf(subject: Check, trial: Trial): Promise<Pick<Finding, "verdict" | "words">> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Disagreement(`not through after ${patience / 1000} s`)), patience);
  });
  try {
    await Promise.race([subject.run(trial), late]);
    return { verdict: "passed", words: "" };
  } catch (error) {
    if (error instanceof NotApplicable) return { verdict: "not applicable", words: error.message };
    if (error instanceof Disagreement) return { verdict: "failed", words: error.message };
    // What the check itself does with the host failed: mostly because the plugin did not make what it was to make.
    return {
      verdict: "failed",
      words: `the check could not go on: ${error instanceof Error ? error.message : String(error)}`,
    };
  } finally {
    clearTimeout(timer);
  }
}

/** Why a check has nothing to say of a directory; or the version to run it in. */
function inapplicable(
  plugins: PluginDirectory,
  { needs }: Check,
  missing: ReadonlyMap<Feature, string>,
): string | { readonly version: Version } {
  const absent = needs.types.filter((type) => !plugins.versions.has(type));
  if (absent.length > 0) return `no plugin ${absent.join(", ")}`;
  for (const feature of needs.features ?? []) {
    const words = missing.get(feature);
    if (words !== undefined) return `no ${feature} here: ${words}`;
  }
  const { version } = needs;
  if (version !== undefined) {
    const without = needs.types.filter((type) => plugins.versions.get(type)?.includes(version) !== true);
    return without.length === 0 ? { version } : `${without.join(", ")} without version ${version}`;
  }
  const newest = newestCommon(plugins, needs.types);
  if (newest === undefined) return `${needs.types.join(", ")} have no version in common`;
  if (needs.since !== undefined && !atLeast(newest, needs.since))
    return `version ${needs.since} and later; ${newest} is the newest here`;
  return { version: newest };
}

/** Checks whose title holds a text. */
export const filtered = (checks: readonly Check[], filter: string | undefined): readonly Check[] =>
  filter === undefined
    ? checks
    : checks.filter((subject) => titleOf(subject).toLowerCase().includes(filter.toLowerCase()));
