/** Reads back what is there: objects that carry our mark, and sysctls and files that are named. */
import { type Kernel, KernelError, type NamespaceRef } from "../kernel/kernel.ts";
import { decodeLink, dumpLinks } from "../kernel/netlink/route/link.ts";
import { departingLinkGroup } from "../kernel/netlink/route/ownership.ts";
import { createBreather } from "./breathe.ts";
import type { Observation, ObservedNamespace } from "./kind.ts";
import { allKinds, keyOf, rulesetKinds } from "./kinds/registry.ts";
import type { KernelObject } from "./objects.ts";

/**
 * The objects there are in the host and in the namespaces that `desired` and `left` speak of. A namespace that is gone holds none. Others of the thread have their
 * turn between namespaces. `depart` is told the namespaces in which somebody who was killed left links that wait for their deletion.
 */
export async function observe(
  kernel: Kernel,
  desired: readonly KernelObject[],
  left: readonly KernelObject[],
  depart: (namespace: NamespaceRef) => void,
): Promise<readonly KernelObject[]> {
  const breathe = createBreather();
  const all = [...desired, ...left];
  const wanted = new Set(desired.map(keyOf));
  const living = Map.groupBy(all, (object) => ("namespace" in object ? object.namespace : undefined));
  const namespaces: ObservedNamespace[] = [];
  const found: KernelObject[] = [];
  for (const namespace of namespacesOf(all)) {
    const there = observeNamespace(kernel, namespace);
    if (there === undefined) continue;
    namespaces.push(there);
    if (there.links.some(({ group }) => group === departingLinkGroup)) depart(namespace);
    const observation = { kernel, namespaces: [there], desired: living.get(namespace) ?? [], wanted };
    for (const kind of localKinds) found.push(...kind.observe(observation));
    await breathe();
  }
  const observation: Observation = { kernel, namespaces, desired: all, wanted };
  return [...found, ...everywhereKinds.flatMap((kind) => kind.observe(observation))];
}

const everywhereKinds = allKinds.filter(({ everywhere }) => everywhere);
const localKinds = allKinds.filter(({ everywhere }) => !everywhere);

/** The host's ruleset alone, of what carries our mark: without a look at its links, or at any other namespace. */
export function observeRuleset(kernel: Kernel, desired: readonly KernelObject[]): readonly KernelObject[] {
  const host: ObservedNamespace = { namespace: "host", kernel, links: [], linkName: () => undefined };
  const observation: Observation = { kernel, namespaces: [host], desired, wanted: new Set(desired.map(keyOf)) };
  return rulesetKinds.flatMap((kind) => kind.observe(observation));
}

/** The host, and every namespace that an object lives in, is, or reaches into. */
function namespacesOf(desired: readonly KernelObject[]): ReadonlySet<NamespaceRef> {
  const found = new Set<NamespaceRef>(["host"]);
  for (const object of desired) {
    if ("namespace" in object) found.add(object.namespace);
    if (object.kind === "namespace") found.add(object.path);
    if (object.kind === "link" && object.type === "veth") found.add(object.peer.namespace);
  }
  return found;
}

/** The links of a namespace; undefined where it is gone. */
export function observeNamespace(kernel: Kernel, namespace: NamespaceRef): ObservedNamespace | undefined {
  try {
    const links = kernel.dump(namespace, "route", dumpLinks()).flatMap((message) => decodeLink(message) ?? []);
    const names = new Map(links.map(({ index, name }) => [index, name]));
    return { namespace, kernel, links, linkName: (index) => (index === undefined ? undefined : names.get(index)) };
  } catch (error) {
    if (error instanceof KernelError && error.refusal.code === "ENOENT") return undefined;
    throw error;
  }
}
