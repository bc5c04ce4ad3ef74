/** Calls of CNI plugins as operations: ADD and DEL of one plugin of a chain, by the engine's own way to the answer. */
import { carryOut } from "../../../../../src/cni/plugin/answer.ts";
import type { NetworkController } from "../../../../../src/model/types.ts";
import { foreignNamespace, type Operation } from "../operation.ts";

/** A plugin of a chain: its configuration. */
export interface Link {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** An attachment that calls are about. */
export interface Place {
  readonly network: string;
  readonly interfaceName: string;
  /** Default: that of the foreign namespace. */
  readonly container?: Container;
}

export interface Container {
  readonly id: string;
  readonly namespace: string;
}

export const only: Place = { network: "net", interfaceName: "eth0" };
export const second: Place = { network: "more", interfaceName: "eth1" };
export const inside: Place = { network: "net", interfaceName: "lo" };
const foreign: Container = { id: "c1", namespace: foreignNamespace };

/** Carries out one call as a runtime words it, and answers with what it prints. Throws what the plugin throws. */
export async function call(
  controller: NetworkController,
  command: "ADD" | "CHECK" | "DEL" | "GC",
  link: Link,
  { network, interfaceName, container = foreign }: Place = only,
  prevResult?: unknown,
): Promise<unknown> {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: container.id,
    CNI_NETNS: container.namespace,
    CNI_IFNAME: interfaceName,
    CNI_PATH: "/nowhere",
  };
  const config = { cniVersion: "1.1.0", name: network, ...link, ...(prevResult !== undefined && { prevResult }) };
  const input = JSON.stringify(command === "GC" ? { ...config, "cni.dev/valid-attachments": [] } : config);
  const text = await carryOut({ type: link.type, environment, input }, controller.attachments);
  return text === "" ? undefined : JSON.parse(text);
}

/** Takes away what the plugins of a chain added, in the order in which runtimes do. */
export async function delAll(
  controller: NetworkController,
  chain: readonly Link[],
  place: Place = only,
): Promise<void> {
  for (const link of chain.toReversed()) await call(controller, "DEL", link, place);
}

/** Adds what the plugins of a chain add; the last result. */
export async function addAll(
  controller: NetworkController,
  chain: readonly Link[],
  place: Place = only,
): Promise<unknown> {
  let result: unknown;
  for (const link of chain) result = await call(controller, "ADD", link, place, result);
  return result;
}

export interface Scene {
  /** What the chain has before the plugin that is looked at. */
  readonly before?: readonly Link[];
  readonly prepare?: (controller: NetworkController) => Promise<void>;
  readonly place?: Place;
  /** DEL is more than one transaction: whoever is told that it failed calls it again. */
  readonly inSteps?: true;
}

/** What the chain before has answered, whoever executed it: the first addresses of the ranges. */
const previousOf = ({ interfaceName }: Place): unknown => {
  const ips = interfaceName === only.interfaceName ? ["10.88.0.2/24", "fd00:88::2/64"] : ["10.89.0.2/24"];
  return {
    cniVersion: "1.1.0",
    interfaces: [{ name: interfaceName, sandbox: foreignNamespace }],
    ips: ips.map((address) => ({ address, interface: 0 })),
    routes: [],
  };
};

/** ADD of a plugin behind others. Whoever does not know how far it came calls DEL. */
export function add(name: string, link: Link, { before = [], prepare, place = only }: Scene = {}): Operation {
  const previous = before.length === 0 ? undefined : previousOf(place);
  return {
    name,
    silent: true,
    prepare: async (controller) => {
      await prepare?.(controller);
      await addAll(controller, before, place);
    },
    run: (controller) => call(controller, "ADD", link, place, previous),
    settle: { run: (controller) => call(controller, "DEL", link, place), leads: "before" },
  };
}

/** DEL of the last plugin of a chain, which remembers nothing. Whoever does not know how far it came calls DEL again. */
export function del(
  name: string,
  chain: readonly [...Link[], Link],
  { prepare, place = only, inSteps }: Scene = {},
): Operation {
  const link = chain.at(-1) ?? chain[0];
  const run = (controller: NetworkController) => call(controller, "DEL", link, place);
  return {
    name,
    silent: true,
    prepare: async (controller) => {
      // What another try has left.
      await delAll(controller, chain, place);
      await prepare?.(controller);
      await addAll(controller, chain, place);
    },
    run,
    settle: { run, leads: "done" },
    ...(inSteps && { again: run }),
  };
}
