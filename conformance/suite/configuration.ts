/** Network configurations that checks use, and lists of plugins run one after another as libcni runs them. */
import { expect } from "./expectation.ts";
import { isObject, type Json, type JsonObject, parse } from "./json.ts";
import type { Outcome } from "./lab/process.ts";
import { type Call, type Command, type Container, howItEnded, type Trial } from "./trial.ts";
import { atLeast } from "./versions.ts";

/** host-local in a trial's own subnet, its state in the trial's directory. */
export const hostLocal = (t: Trial, more: JsonObject = {}): JsonObject => ({
  type: "host-local",
  dataDir: `${t.directory}/host-local`,
  ...(more["ranges"] === undefined && more["subnet"] === undefined ? { subnet: t.subnet() } : {}),
  ...more,
});

/** host-local with an IPv4 and an IPv6 subnet. */
export const dualStack = (t: Trial, more: JsonObject = {}): JsonObject =>
  hostLocal(t, { ranges: [[{ subnet: t.subnet() }], [{ subnet: `${t.prefix6()}::/64` }]], ...more });

/** A bridge network of a trial's own. */
export const bridge = (t: Trial, more: JsonObject = {}): JsonObject => ({
  cniVersion: t.version,
  name: t.network,
  type: "bridge",
  bridge: t.link(),
  isGateway: true,
  ipam: hostLocal(t),
  ...more,
});

/** A bridge network from which containers reach everything. */
export const routedBridge = (t: Trial, more: JsonObject = {}): JsonObject =>
  bridge(t, { isDefaultGateway: true, ...more });

/** A point-to-point network of a trial's own. */
export const ptp = (t: Trial, more: JsonObject = {}): JsonObject => ({
  cniVersion: t.version,
  name: t.network,
  type: "ptp",
  ipam: hostLocal(t, { routes: [{ dst: "0.0.0.0/0" }] }),
  ...more,
});

/** A macvlan network on a link that `parentLink` made. */
export const macvlan = (t: Trial, more: JsonObject = {}): JsonObject => ({
  cniVersion: t.version,
  name: t.network,
  type: "macvlan",
  master: t.link("pa"),
  mode: "bridge",
  ipam: hostLocal(t),
  ...more,
});

/** Makes a pair of links, of which the one named `t.link("pa")` is a parent for others. */
export const parentLink = (t: Trial): Promise<string> =>
  t.host.shell(`ip link add ${t.link("pa")} type veth peer name ${t.link("pb")}
ip link set ${t.link("pa")} up
ip link set ${t.link("pb")} up`);

/** The same configuration as runtimes give it to CHECK and DEL. */
export const after = (config: JsonObject, prevResult: Json): JsonObject => ({ ...config, prevResult });

/** How a chain is run. */
export interface ChainCall extends Call {
  /** Values for capabilities, given to the plugins that declare them. */
  readonly capabilities?: JsonObject;
  /** Result given as prevResult; null for none. */
  readonly previous?: Json;
}

/** A network configuration list. */
export class Chain {
  readonly #trial: Trial;
  readonly #plugins: readonly JsonObject[];
  readonly #name: string;

  constructor(trial: Trial, plugins: readonly JsonObject[], name = trial.network) {
    this.#trial = trial;
    this.#plugins = plugins;
    this.#name = name;
  }

  /** One plugin's configuration as libcni makes it. */
  configuration(plugin: JsonObject, previous: Json | undefined, capabilities: JsonObject = {}): JsonObject {
    const declared = isObject(plugin["capabilities"]) ? plugin["capabilities"] : {};
    const given = Object.entries(capabilities).filter(([key]) => declared[key] === true);
    return {
      ...plugin,
      cniVersion: this.#trial.version,
      name: this.#name,
      ...(given.length === 0 ? {} : { runtimeConfig: Object.fromEntries(given) }),
      ...(previous === undefined || previous === null ? {} : { prevResult: previous }),
    };
  }

  /** ADD of every plugin in order; the last one's result. */
  async add(container: Container, call: ChainCall = {}): Promise<JsonObject> {
    let result: JsonObject | undefined;
    for (const plugin of this.#plugins)
      result = await this.#trial.add(this.configuration(plugin, result, call.capabilities), container, call);
    expect(result !== undefined, "the list is empty");
    return result;
  }

  /** ADD that need not succeed: what the plugin said at which it ended. */
  async tryAdd(container: Container, call: ChainCall = {}): Promise<Outcome> {
    let outcome: Outcome | undefined;
    for (const plugin of this.#plugins) {
      const previous = outcome === undefined ? undefined : parse(outcome.stdout);
      outcome = await this.#trial.call("ADD", this.configuration(plugin, previous, call.capabilities), container, call);
      if (outcome.status !== 0) return outcome;
    }
    expect(outcome !== undefined, "the list is empty");
    return outcome;
  }

  /** CHECK of every plugin in order. */
  check(container: Container, call: ChainCall = {}): Promise<void> {
    return this.#each("CHECK", this.#plugins, container, call);
  }

  /** DEL of every plugin in reverse order. */
  del(container: Container, call: ChainCall = {}): Promise<void> {
    const previous = atLeast(this.#trial.version, "0.4.0") ? call.previous : null;
    return this.#each("DEL", this.#plugins.toReversed(), container, { ...call, previous: previous ?? null });
  }

  /** GC of every plugin: what is not listed as [id, ifname] goes. */
  async gc(valid: readonly (readonly [string, string])[]): Promise<void> {
    for (const plugin of this.#plugins)
      await this.#trial.succeeds("GC", { ...this.configuration(plugin, null), ...validAttachments(valid) }, undefined);
  }

  async #each(command: Command, plugins: readonly JsonObject[], container: Container, call: ChainCall): Promise<void> {
    const failures: string[] = [];
    for (const plugin of plugins) {
      const config = this.configuration(plugin, call.previous, call.capabilities);
      const outcome = await this.#trial.call(command, config, container, call);
      if (outcome.status !== 0) failures.push(`${command} of ${String(plugin["type"])} ${howItEnded(outcome)}`);
    }
    expect(failures.length === 0, failures.join("; "));
  }
}

/** The attachments that GC keeps. */
export const validAttachments = (valid: readonly (readonly [string, string])[]): JsonObject => ({
  "cni.dev/valid-attachments": valid.map(([containerID, ifname]) => ({ containerID, ifname })),
});
