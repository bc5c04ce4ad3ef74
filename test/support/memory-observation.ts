/** What an engine sees of the kernel's model: the same objects, in the same form, that the real one reads from Linux. */
import { addressOf, lengthOf, type Subnet, subnetOf } from "../../src/address/cidr.ts";
import { PortolanError } from "../../src/errors.ts";
import type { NamespaceFacts } from "../../src/state/engine.ts";
import { keyOf, kindOf } from "../../src/state/kinds/registry.ts";
import type { KernelObject, Link, NamespaceRef } from "../../src/state/objects.ts";
import type { MemoryKernel } from "./memory-kernel.ts";
import type { ForeignState } from "./memory-rules.ts";

/** The host, and the namespaces that objects are, live in or reach into. */
function namespacesOf(kernel: MemoryKernel, desired: readonly KernelObject[]): ReadonlySet<NamespaceRef> {
  const found = new Set<NamespaceRef>(["host"]);
  for (const object of desired) {
    if ("namespace" in object) found.add(object.namespace);
    if (object.kind === "namespace") found.add(object.path);
    if (object.kind === "link" && object.type === "veth") found.add(object.peer.namespace);
  }
  return new Set([...found].filter((namespace) => kernel.hasNamespace(namespace)));
}

/** The objects in the namespaces that `desired` speaks of, and of chains, sets, settings and files those that it names. */
export function observed(kernel: MemoryKernel, desired: readonly KernelObject[]): readonly KernelObject[] {
  const namespaces = namespacesOf(kernel, desired);
  const wanted = new Set(desired.map(keyOf));
  const tables = new Set(
    desired.flatMap((object) => (object.kind === "nft-table" ? [`${object.namespace} ${object.name}`] : [])),
  );
  const looksIn = (namespace: NamespaceRef, table: string): boolean =>
    namespaces.has(namespace) && (namespace === "host" || tables.has(`${namespace} ${table}`));
  const seen = (object: KernelObject): boolean => {
    switch (object.kind) {
      case "namespace":
      case "file":
        return wanted.has(keyOf(object));
      case "nft-table":
        return looksIn(object.namespace, object.name);
      case "nft-chain":
      case "nft-set":
        return looksIn(object.namespace, object.table) && wanted.has(keyOf(object));
      case "nft-element":
        return (
          looksIn(object.namespace, object.table) &&
          kindOf(object)
            .references(object)
            .some((key) => wanted.has(key))
        );
      case "nft-rule":
        return looksIn(object.namespace, object.table);
      case "port":
        return true;
      default:
        return namespaces.has(object.namespace);
    }
  };
  const objects = [...kernel.objects()].filter(seen).map((object) => withPeerInSight(object, namespaces));
  const settings = desired.flatMap((object): KernelObject[] => {
    if (object.kind !== "sysctl" && object.kind !== "link-setting") return [];
    const value = kernel.readSetting(object);
    return value === undefined ? [] : [{ ...object, value }];
  });
  return [...objects, ...settings];
}

/** A veth's other end is only seen in a namespace that is looked at. */
function withPeerInSight(object: KernelObject, namespaces: ReadonlySet<NamespaceRef>): KernelObject {
  if (object.kind !== "link" || object.type !== "veth" || namespaces.has(object.peer.namespace)) return object;
  return { ...object, peer: { namespace: object.namespace, name: "", up: false } };
}

/** Facts of a namespace, foreign ones included; throws `not-found`. */
export function factsOf(
  kernel: MemoryKernel,
  namespace: NamespaceRef,
  foreign: ForeignState,
  foreignRoutes: NamespaceFacts["routes"],
): NamespaceFacts {
  if (!kernel.hasNamespace(namespace)) {
    throw new PortolanError("not-found", `${namespace} is not a network namespace`, {
      object: `namespace ${namespace}`,
      advice: "give the path of a namespace file, such as /run/netns/NAME or /proc/PID/ns/net",
    });
  }
  const isHost = namespace === "host";
  const objects = [...kernel.objects()];
  const links = objects.flatMap((object) => (object.kind === "link" ? endsIn(object, namespace) : []));
  const own = objects.filter((object) => object.kind === "address").filter((one) => one.namespace === namespace);
  const addresses = [...own, ...(isHost ? (foreign.addresses ?? []) : [])].map(({ link, address }) => ({
    link,
    address: addressOf(address),
    subnet: subnetOf(addressOf(address), lengthOf(address)),
  }));
  const routes = objects
    .filter((object) => object.kind === "route")
    .filter((one) => one.namespace === namespace && one.destination !== "default")
    .map(({ destination, link }) => ({ destination: destination as Subnet, ...(link !== undefined && { link }) })); // no default, as filtered
  return {
    links: [
      { name: "lo", type: "", up: true, mtu: 65536 },
      ...(isHost ? (foreign.links ?? []).map((link) => ({ ...link, up: true, mtu: 1500 })) : []),
      ...links,
    ],
    addresses,
    routes: [
      ...addresses.map(({ link, subnet }) => ({ destination: subnet, link })),
      ...routes,
      ...(isHost ? foreignRoutes : []),
    ],
    defaults: [],
    filteredBridging: [],
  };
}

/** The ends of a link that are in a namespace. */
function endsIn(link: Link, namespace: NamespaceRef): NamespaceFacts["links"] {
  const ends = link.type === "veth" ? [link, link.peer] : [link];
  return ends
    .filter((end) => end.namespace === namespace)
    .map(({ name, up = false, mtu }) => ({ name, type: link.type, up, mtu: mtu ?? 1500 }));
}
