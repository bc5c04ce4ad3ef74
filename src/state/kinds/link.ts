/**
 * Links. Making one takes a creating message and a setting one (alias, address generation and bridge port are honoured only there); a veth's
 * other end is born in its namespace and set up from inside. Deleting is retiring: out of the way at once, deleted later in bulk.
 */
import { KernelError } from "../../kernel/kernel.ts";
import { createLink, type LinkInfo, type LinkKindData, setLink } from "../../kernel/netlink/route/link.ts";
import { departingLinkGroup, ownLinkGroup } from "../../kernel/netlink/route/ownership.ts";
import { type ApplyContext, inNamespace, type Kind, linkKey, namespaceKey, type Step } from "../kind.ts";
import type { Link, NamespaceRef, VethLink } from "../objects.ts";
import { bridgeData, changedPort, changedSettings, withPort } from "./bridge-settings.ts";
import { observeLink } from "./link-observation.ts";
import { aliasOf, createCommands, deleteCommands, updateCommands, vethQueues } from "./link-text.ts";

/** Name of a link that waits for its deletion; indexes are unique in a namespace. */
export const retiredName = (index: number): string => `~${index.toString(36)}`;

function kindData(link: Link, context: ApplyContext): LinkKindData {
  switch (link.type) {
    case "bridge":
      return bridgeData(link);
    case "veth": {
      const { name, mac, mtu, namespace } = link.peer;
      const elsewhere = namespace !== "host" && namespace !== link.namespace;
      const namespaceDescriptor = elsewhere ? context.kernel.namespaceDescriptor(namespace) : undefined;
      return { kind: "veth", peer: { name, mac, mtu, queues: vethQueues, group: ownLinkGroup, namespaceDescriptor } };
    }
    case "macvlan":
      return { kind: "macvlan", mode: link.mode };
    case "ipvlan":
      return { kind: "ipvlan", mode: link.mode, flag: link.flag };
    case "vlan":
      return { kind: "vlan", id: link.id };
    case "vrf":
      return { kind: "vrf", table: link.table };
    case "dummy":
      return { kind: "dummy" };
  }
}

/** Where a link is made: in its own namespace, or from where the link is that it stands on. */
const birthplace = (link: Link): NamespaceRef =>
  ((link.type === "macvlan" || link.type === "ipvlan") && link.parentInside !== true) ||
  (link.type === "vlan" && link.parentNamespace === "host")
    ? "host"
    : link.namespace;

/** What a link stands on, and where it is born if that is elsewhere. */
function standing(link: Link, context: ApplyContext) {
  if (!("parent" in link)) return {};
  const from = birthplace(link);
  const elsewhere = link.namespace !== "host" && link.namespace !== from;
  return {
    link: context.linkIndex(from, link.parent),
    ...(elsewhere && { namespaceDescriptor: context.kernel.namespaceDescriptor(link.namespace) }),
  };
}

/** The messages that bring a link from birth to what it is to be. */
function settings(link: Link, context: ApplyContext) {
  const { name, namespace, master, up, addressGeneration, mtu } = link;
  const target = { name };
  const masterIndex = master === undefined ? undefined : context.linkIndex(namespace, master);
  const port = link.type === "veth" ? link.port : undefined;
  return [
    // A bridge forgets an MTU it was made with as soon as it has ports, and keeps one that is set.
    setLink(target, {
      alias: aliasOf(name),
      addressGeneration,
      ...(masterIndex !== undefined && { master: masterIndex }),
      ...(link.type === "bridge" && mtu !== undefined && { mtu }),
      up,
    }),
    ...(port === undefined ? [] : [setLink(target, { port })]),
  ];
}

/** Sets a veth's other end up; its MTU it was born with. */
function peerSettings({ peer }: VethLink, mtu?: number): Step {
  const { namespace, name, up, addressGeneration } = peer;
  return { type: "route", namespace, messages: () => [setLink({ name }, { up, addressGeneration, mtu })] };
}

function create(link: Link): readonly Step[] {
  const { namespace, name, mac, mtu } = link;
  const born: Step = {
    type: "route",
    namespace: birthplace(link),
    birth: true,
    messages: (context) => [
      createLink({
        name,
        mac,
        mtu,
        ...(link.type === "veth" && { queues: vethQueues }),
        group: ownLinkGroup,
        data: kindData(link, context),
        ...standing(link, context),
      }),
    ],
  };
  const set: Step = { type: "route", namespace, messages: (context) => settings(link, context) };
  return link.type === "veth" ? [born, set, peerSettings(link)] : [born, set];
}

function update(before: Link, link: Link): readonly Step[] | undefined {
  if (before.type !== link.type || before.namespace !== link.namespace) return undefined;
  // What a link stands on, and how, is for life.
  if ("parent" in before && "parent" in link && before.parent !== link.parent) return undefined;
  if ("mode" in before && "mode" in link && before.mode !== link.mode) return undefined;
  if ("flag" in before && "flag" in link && before.flag !== link.flag) return undefined;
  if ("table" in before && "table" in link && before.table !== link.table) return undefined;
  if ("id" in before && "id" in link && before.id !== link.id) return undefined;
  if (birthplace(before) !== birthplace(link)) return undefined;
  if (before.type === "veth" && link.type === "veth") {
    const [was, is] = [before.peer, link.peer];
    if (was.namespace !== is.namespace || was.name !== is.name || (is.mac !== undefined && was.mac !== is.mac))
      return undefined;
  }
  const { namespace, name, mac, mtu, master } = link;
  const port = changedPort(before, link);
  if (port !== undefined) return [{ type: "route", namespace, messages: () => [setLink({ name }, { port })] }];
  const changed = changedSettings(before, link);
  const own: Step = {
    type: "route",
    namespace,
    messages: (context) => [
      setLink(
        { name },
        {
          mac,
          mtu,
          ...(master === undefined && before.master !== undefined && { master: 0 }),
          ...(Object.keys(changed).length > 0 && { data: bridgeData(changed) }),
        },
      ),
      ...settings(withPort(before, link), context),
    ],
  };
  return link.type === "veth" ? [own, peerSettings(link, link.peer.mtu)] : [own];
}

/** Puts one end of the way: down, out of its bridge, without its name. */
function retire(namespace: NamespaceRef, name: string, group?: number): Step {
  return {
    type: "route",
    namespace,
    messages: (context) => {
      const index = context.linkIndex(namespace, name);
      context.forgetLink(namespace, name);
      // Two messages: kernels before 6.2 rename no link that is up.
      return [
        setLink({ index }, { up: false, ...(group !== undefined && { master: 0 }) }),
        setLink({ index }, { rename: retiredName(index), ...(group !== undefined && { group, alias: "" }) }),
      ];
    },
  };
}

function deletion(link: Link): readonly Step[] {
  const own = retire(link.namespace, link.name, departingLinkGroup);
  return link.type === "veth" ? [retire(link.peer.namespace, link.peer.name), own] : [own];
}

/** Whether a link has that name, whatever it was to be called. */
function isNamed({ kernel }: ApplyContext, namespace: NamespaceRef, name: string, index: number): boolean {
  try {
    return kernel.linkIndex(namespace, name) === index;
  } catch (error) {
    if (error instanceof KernelError) return false;
    throw error;
  }
}

/**
 * The messages that give a retired link its name back, if it has given that up. Kernels before 6.2 rename no link that is up, even to the name that it has; and a VLAN's link that was put down
 * goes up with the link that it stands on.
 */
const named = (context: ApplyContext, namespace: NamespaceRef, name: string, index: number) =>
  isNamed(context, namespace, name, index)
    ? []
    : [setLink({ index }, { up: false }), setLink({ index }, { rename: name })];

/**
 * Steps that take a retirement back, index and all: `indexes` are those of the link and, for a veth, of its peer; the second is undefined where the peer was
 * left alone.
 */
export function revive(link: Link, own: number | undefined, peer: number | undefined): readonly Step[] {
  const steps: Step[] = [];
  const { namespace, name } = link;
  if (own !== undefined) {
    const messages: Extract<Step, { type: "route" }>["messages"] = (context) => [
      ...named(context, namespace, name, own),
      setLink({ index: own }, { group: ownLinkGroup }),
      ...settings(link, context),
    ];
    steps.push({ type: "route", namespace, messages });
  }
  if (link.type === "veth" && peer !== undefined) {
    const { namespace: there, name: rename } = link.peer;
    steps.push(
      { type: "route", namespace: there, messages: (context) => named(context, there, rename, peer) },
      peerSettings(link),
    );
  }
  return steps;
}

/** Whether a link carries our mark and is not on its way out. */
const isOwn = ({ group }: LinkInfo): boolean => group === ownLinkGroup;

export const link: Kind<Link> = {
  key: ({ namespace, name }) => linkKey(namespace, name),
  provides: (object) => (object.type === "veth" ? [linkKey(object.peer.namespace, object.peer.name)] : []),
  references: (object) => [
    namespaceKey(object.namespace),
    ...(object.master === undefined ? [] : [linkKey(object.namespace, object.master)]),
    ...(object.type === "veth" ? [namespaceKey(object.peer.namespace)] : []),
    ...("parent" in object ? [linkKey(birthplace(object), object.parent)] : []),
  ],
  words: ({ namespace, name, type }) => `${type} link ${name} ${inNamespace(namespace)}`,
  create,
  update,
  delete: deletion,
  everywhere: true,
  observe: ({ namespaces, desired }) => {
    const wanted = desired.filter((object) => object.kind === "link");
    const peers = new Set(
      wanted.flatMap((object) => (object.type === "veth" ? [linkKey(object.peer.namespace, object.peer.name)] : [])),
    );
    return namespaces.flatMap((from) =>
      from.links
        .filter(isOwn)
        // In a sandbox stand the other ends of pairs whose first end is in the host; where both are in one namespace, the description says which is which.
        .filter(
          ({ name, kind, linkNamespaceId }) =>
            kind !== "veth" ||
            ((from.namespace === "host" || linkNamespaceId === undefined) && !peers.has(linkKey(from.namespace, name))),
        )
        .flatMap((info) => observeLink(info, from, namespaces) ?? []),
    );
  },
  commands: { create: createCommands, update: updateCommands, delete: deleteCommands },
};
