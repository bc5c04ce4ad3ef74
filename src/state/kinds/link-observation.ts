/** Links as they are read back from the kernel: in the form in which they are described. */
import type { LinkInfo } from "../../kernel/netlink/route/link.ts";
import type { ObservedNamespace } from "../kind.ts";
import type { Link, VethLink } from "../objects.ts";

/** A link of ours that somebody made; undefined for types that none is described of. `all` are the namespaces in which what belongs to it is looked for. */
export function observeLink(
  info: LinkInfo,
  from: ObservedNamespace,
  all: readonly ObservedNamespace[],
): Link | undefined {
  const { name, mac, mtu, up } = info;
  const master = from.linkName(info.master);
  const generation = info.addressGeneration;
  const base = {
    kind: "link",
    namespace: from.namespace,
    name,
    up,
    ...(mac !== undefined && { mac }),
    ...(mtu !== undefined && { mtu }),
    ...(master !== undefined && { master }),
    ...((generation === "none" || generation === "eui64") && { addressGeneration: generation }),
  } as const;
  if (info.data?.kind === "bridge") {
    const { spanningTree, vlanFiltering, defaultVlan, ipv4Filtering = false, ipv6Filtering = false } = info.data;
    return {
      ...base,
      type: "bridge",
      ...(spanningTree !== undefined && { spanningTree }),
      ...(vlanFiltering !== undefined && { vlanFiltering }),
      ...(defaultVlan !== undefined && { defaultVlan }),
      // One that does only one of them is neither: it is like no bridge that is wanted.
      ...(ipv4Filtering === ipv6Filtering && { ipFiltering: ipv4Filtering }),
    };
  }
  if (info.data?.kind === "dummy") return { ...base, type: "dummy" };
  if (info.data?.kind === "vrf") {
    const { table } = info.data;
    return table === undefined ? undefined : { ...base, type: "vrf", table };
  }
  if (info.data?.kind !== "veth") return observeStanding(base, info, from, all);
  const peer = peerOf(info, from, all);
  const port = info.port && {
    ...(info.port.hairpin !== undefined && { hairpin: info.port.hairpin }),
    ...(info.port.isolated !== undefined && { isolated: info.port.isolated }),
  };
  // An end whose other one is out of sight is a link of ours that nothing can be like.
  const unknown = { namespace: from.namespace, name: "", up: false } as const;
  return { ...base, type: "veth", peer: peer ?? unknown, ...(port !== undefined && { port }) };
}

/** A link that stands on another one: in its own namespace, or in the host where the kernel says that it is elsewhere. */
function observeStanding(
  base: Pick<Link, "kind" | "namespace" | "name" | "up">,
  { data, link, linkNamespaceId }: LinkInfo,
  from: ObservedNamespace,
  all: readonly ObservedNamespace[],
): Link | undefined {
  const home = linkNamespaceId === undefined ? from : all.find(({ namespace }) => namespace === "host");
  // One whose parent is out of sight is a link of ours that nothing can be like.
  const parent = home?.linkName(link) ?? "";
  const isInside = linkNamespaceId === undefined && base.namespace !== "host";
  const where = { parent, ...(isInside && { parentInside: true as const }) };
  switch (data?.kind) {
    case "macvlan":
      return data.mode && { ...base, type: "macvlan", ...where, mode: data.mode };
    case "ipvlan":
      return data.mode && data.flag && { ...base, type: "ipvlan", ...where, mode: data.mode, flag: data.flag };
    case "vlan":
      if (data.id === undefined) return undefined;
      return {
        ...base,
        type: "vlan",
        parent,
        ...(linkNamespaceId !== undefined && { parentNamespace: "host" as const }),
        id: data.id,
      };
    default:
      return undefined;
  }
}

/** The other end, looked for in all namespaces: the two name each other's index. */
function peerOf(
  info: LinkInfo,
  from: ObservedNamespace,
  all: readonly ObservedNamespace[],
): VethLink["peer"] | undefined {
  for (const { namespace, links } of all) {
    const same = namespace === from.namespace;
    const peer = links.find(
      (other) =>
        other.index === info.link &&
        other.link === info.index &&
        other.kind === "veth" &&
        (!same || other.index !== info.index),
    );
    // Where both are in one namespace no namespace id is told.
    if (peer === undefined || same !== (info.linkNamespaceId === undefined)) continue;
    const generation = peer.addressGeneration;
    return {
      namespace,
      name: peer.name,
      up: peer.up,
      ...(peer.mac !== undefined && { mac: peer.mac }),
      ...(peer.mtu !== undefined && { mtu: peer.mtu }),
      ...((generation === "none" || generation === "eui64") && { addressGeneration: generation }),
    };
  }
  return undefined;
}
