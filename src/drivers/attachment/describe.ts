/** What the plugins of a chain made of an endpoint, as kernel objects. */
import { addressOf, cidrFamily, lengthOf, subnetOf } from "../../address/cidr.ts";
import type { MacAddress } from "../../address/mac.ts";
import { describeApart, describeHairpin, describeOpenLink } from "../../firewall/open-link.ts";
import { describeProxied, proxiedPorts } from "../../firewall/proxied.ts";
import { describePublished } from "../../firewall/published.ts";
import type { IpvlanLink, KernelObject, MacvlanLink, NamespaceRef, VlanLink } from "../../state/objects.ts";
import type {
  AttachmentInterface,
  AttachmentPart,
  Enslaved,
  Filtered,
  LentInterface,
  ParentedInterface,
  PublishedPorts,
  Rate,
  Settings,
  Shaped,
  SourceRoutes,
  TaggedInterface,
} from "../../store/attachment.ts";
import type { EndpointRecord } from "../../store/records.ts";
import type { JoinDescription } from "../driver.ts";
import { describeBridged } from "./bridged.ts";
import { defaultGateways, describeInside, describeRoute } from "./inside.ts";
import { describeRouted } from "./routed.ts";

/** What all parts of an endpoint in a sandbox want, in the order in which they came. */
export function describeAttachment(endpoint: EndpointRecord, namespace: NamespaceRef): JoinDescription {
  const { attachment, join } = endpoint;
  if (attachment === undefined || join === undefined) return { objects: [] };
  const { parts } = attachment;
  const main = interfaceOf(parts);
  return {
    objects: parts.flatMap((part) => describePart(part, endpoint, namespace, join.interfaceName)),
    ...(main !== undefined && defaultGateways(main)),
    ...(parts.some(({ made }) => made.kind === "routed") && { gatewaysOnLink: true }),
  };
}

/** The interface that one of the parts is. */
export function interfaceOf(parts: readonly AttachmentPart[]): AttachmentInterface | undefined {
  for (const { made } of parts) if ("routes" in made) return made;
  return undefined;
}

/** Objects of an endpoint, the links without the properties that a later plugin has set: these are said apart, with what they were. */
export function withSettings(objects: readonly KernelObject[]): readonly KernelObject[] {
  const set = new Set(
    objects.flatMap((one) => (one.kind === "link-setting" ? [`${one.namespace} ${one.link} ${one.setting}`] : [])),
  );
  return set.size === 0 ? objects : objects.map((one) => withoutSet(one, set));
}

function withoutSet(object: KernelObject, set: ReadonlySet<string>): KernelObject {
  if (object.kind !== "link") return object;
  const bare = <
    Part extends {
      readonly name: string;
      readonly namespace: NamespaceRef;
      readonly mtu?: number;
      readonly mac?: MacAddress;
    },
  >(
    part: Part,
  ): Part => {
    const { mtu, mac, ...rest } = part;
    const is = (setting: string): boolean => set.has(`${part.namespace} ${part.name} ${setting}`);
    // What is left out may be left out of every link.
    return {
      ...rest,
      ...(mtu !== undefined && !is("mtu") && { mtu }),
      ...(mac !== undefined && !is("mac") && { mac }),
    } as Part;
  };
  return object.type === "veth" ? { ...bare(object), peer: bare(object.peer) } : bare(object);
}

function describePart(
  { made }: AttachmentPart,
  endpoint: EndpointRecord,
  namespace: NamespaceRef,
  name: string,
): readonly KernelObject[] {
  switch (made.kind) {
    case "joined":
      return [];
    case "bridged":
      return describeBridged(made, endpoint, namespace, name);
    case "routed":
      return describeRouted(made, namespace, name);
    case "parented":
      return describeParented(made, namespace, name);
    case "lent":
      return describeLent(made, namespace, name);
    case "tagged":
      return describeTagged(made, namespace, name);
    case "published":
      return describePorts(made, endpoint);
    case "set":
      return describeSettings(made, namespace);
    case "enslaved":
      return describeEnslaved(made, namespace, name);
    case "sourced":
      return describeSources(made, namespace, name);
    case "shaped":
      return describeShaped(made, namespace, name);
    case "filtered":
      return describeFiltered(made);
  }
}

function describeParented(made: ParentedInterface, namespace: NamespaceRef, name: string): readonly KernelObject[] {
  const { link, parent, parentInside, mac, mtu } = made;
  const where = { namespace, parent, ...(parentInside && { parentInside }) };
  const base = { kind: "link", ...where, name, up: true, ...(mtu !== undefined && { mtu }) } as const;
  const described: MacvlanLink | IpvlanLink =
    link.type === "macvlan"
      ? { ...base, ...link, ...(mac !== undefined && { mac }) }
      : { ...base, ...link, flag: "bridge" };
  return [described, ...describeInside(namespace, name, made)];
}

const describeLent = (made: LentInterface, namespace: NamespaceRef, newName: string): readonly KernelObject[] => [
  {
    kind: "moved-link",
    name: made.device,
    namespace,
    newName,
    ...(made.mtu !== undefined && { mtu: made.mtu }),
    up: true,
  },
  ...describeInside(namespace, newName, made),
];

function describeTagged(made: TaggedInterface, namespace: NamespaceRef, name: string): readonly KernelObject[] {
  const { parent, parentInside, id, mac, mtu } = made;
  const link: VlanLink = {
    kind: "link",
    namespace,
    type: "vlan",
    name,
    parent,
    ...(parentInside === undefined && { parentNamespace: "host" }),
    id,
    ...(mac !== undefined && { mac }),
    ...(mtu !== undefined && { mtu }),
    up: true,
  };
  return [link, ...describeInside(namespace, name, made)];
}

function describePorts(
  { addresses, behind, hidden }: PublishedPorts,
  { ports = [] }: EndpointRecord,
): readonly KernelObject[] {
  if (ports.length === 0) return [];
  const [ipv4, ipv6] = ([4, 6] as const).map((family) => addresses.find((one) => cidrFamily(one) === family));
  const publisher = { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }), ports };
  return [
    ...(behind === undefined ? [] : describeOpenLink(behind)),
    // What the host itself sends from 127.0.0.1 leaves by it; the table's guard keeps it from being used the other way round.
    ...(behind === undefined || ipv4 === undefined
      ? []
      : [{ kind: "sysctl", namespace: "host", name: `net/ipv4/conf/${behind}/route_localnet`, value: "1" } as const]),
    ...describePublished(publisher),
    ...describeProxied(proxiedPorts(publisher)),
    ...[ipv4, ipv6].flatMap((address) =>
      address === undefined || hidden === "nobody" ? [] : [describeHairpin(address, hidden === "all")],
    ),
  ];
}

const describeSettings = ({ sysctls, links }: Settings, namespace: NamespaceRef): readonly KernelObject[] => [
  ...sysctls.map((one) => ({ kind: "sysctl", namespace, ...one }) as const),
  ...links.map((one) => ({ kind: "link-setting", namespace, ...one }) as const),
];

const describeEnslaved = ({ vrf, table }: Enslaved, namespace: NamespaceRef, link: string): readonly KernelObject[] => [
  { kind: "link", namespace, type: "vrf", name: vrf, table, up: true },
  { kind: "link-setting", namespace, link, setting: "master", value: vrf, original: "" },
];

/** Of our rules: behind the local table's (0), in front of those of the model's (gateway.ts). */
const sourcePriority = 11_100;

const describeSources = ({ ways }: SourceRoutes, namespace: NamespaceRef, link: string): readonly KernelObject[] =>
  ways.flatMap(({ address, gateway, table, routes }): KernelObject[] => {
    const family = cidrFamily(address);
    const way = { kind: "route", namespace, family, link, table } as const;
    const subnet = subnetOf(addressOf(address), lengthOf(address));
    const own = subnetOf(addressOf(address), family === 4 ? 32 : 128);
    return [
      { kind: "rule", namespace, family, priority: sourcePriority, table, from: own },
      ...(subnet === own ? [] : [{ ...way, destination: subnet, ...(family === 4 && { scope: "link" as const }) }]),
      ...(gateway === undefined ? [] : [{ ...way, destination: "default" as const, gateway, onLink: true }]),
      ...routes.map((route) => describeRoute(namespace, link, { ...route, table })),
    ];
  });

/** How long a packet waits at most, microseconds, as in the reference plugin. */
const latency = 25_000;

function describeShaped({ ingress, egress }: Shaped, namespace: NamespaceRef, name: string): readonly KernelObject[] {
  const shaping = (place: NamespaceRef, link: string, { rate, burst }: Rate): KernelObject => ({
    kind: "qdisc",
    namespace: place,
    link,
    type: "tbf",
    rate,
    burst,
    latency,
  });
  return [
    ...(ingress === undefined ? [] : [shaping("host", ingress.hostEnd, ingress)]),
    ...(egress === undefined ? [] : [shaping(namespace, name, egress)]),
  ];
}

const describeFiltered = ({ behind, policy }: Filtered): readonly KernelObject[] =>
  behind === undefined
    ? []
    : [
        ...describeOpenLink(behind),
        ...(policy === "open" ? [] : [describeApart(behind)]),
        ...([4, 6] as const).map((family) => ({ kind: "passage", namespace: "host", family, link: behind }) as const),
      ];
