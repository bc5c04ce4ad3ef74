/** Memberships of bridges and their ports in VLANs. The kernel keeps no owner with them: those that are named count as ours. */
import {
  type BridgeVlanInfo,
  type BridgeVlanOptions,
  decodeBridgeVlans,
  deleteBridgeVlan,
  dumpBridgeVlans,
  setBridgeVlan,
} from "../../kernel/netlink/route/bridge-vlan.ts";
import { type ApplyContext, inNamespace, inside, type Kind, linkKey, namespaceKey, type Step } from "../kind.ts";
import type { BridgeVlan } from "../objects.ts";

const options = (
  { namespace, link, self, id, last, untagged, pvid }: BridgeVlan,
  context: ApplyContext,
): BridgeVlanOptions => ({ link: context.linkIndex(namespace, link), self, id, last, untagged, pvid });

const set = (object: BridgeVlan): Step => ({
  type: "route",
  namespace: object.namespace,
  messages: (context) => {
    const vlan = options(object, context);
    // Who is no member yet becomes one first: a membership that is not there cannot be ended.
    return object.member === false ? [setBridgeVlan(vlan), deleteBridgeVlan(vlan)] : [setBridgeVlan(vlan)];
  },
});

function command(verb: "add" | "delete", object: BridgeVlan): string {
  const { namespace, link, self, id, last, untagged, pvid } = object;
  const how = verb === "add" ? `${pvid ? " pvid" : ""}${untagged ? " untagged" : ""}` : "";
  const which = last === undefined ? id : `${id}-${last}`;
  return `${inside(namespace)}bridge vlan ${verb} dev ${link} vid ${which}${how}${self ? " self" : ""}`;
}

const setCommand = (object: BridgeVlan): readonly string[] =>
  object.member === false ? [command("add", object), command("delete", object)] : [command("add", object)];

/** The memberships that an object stands for, of those that its link has; undefined where it is not there. */
function found(object: BridgeVlan, there: ReadonlyMap<string, BridgeVlanInfo>): BridgeVlan | undefined {
  const { link, id, last = id, member } = object;
  const infos = Array.from({ length: last - id + 1 }, (_, at) => there.get(`${link} ${id + at}`));
  if (member === false) return infos.some((info) => info !== undefined) ? undefined : object;
  if (infos.some((info) => info === undefined)) return undefined;
  const other = infos.find((info) => info?.untagged !== object.untagged || info.pvid !== object.pvid);
  return other === undefined ? object : { ...object, untagged: other.untagged, pvid: other.pvid };
}

export const bridgeVlan: Kind<BridgeVlan> = {
  key: ({ namespace, link, id }) => `bridge-vlan ${namespace} ${link} ${id}`,
  references: ({ namespace, link }) => [namespaceKey(namespace), linkKey(namespace, link)],
  words: ({ namespace, link, id, last }) =>
    `VLAN ${last === undefined ? id : `${id}-${last}`} of bridge link ${link} ${inNamespace(namespace)}`,
  create: (object) => [set(object)],
  update: (_before, object) => [set(object)],
  delete: (object) =>
    object.member === false
      ? []
      : [
          {
            type: "route",
            namespace: object.namespace,
            messages: (context) => [deleteBridgeVlan(options(object, context))],
          },
        ],
  // It is no port of a bridge any more.
  gone: new Set(["EOPNOTSUPP"]),
  observe: ({ namespaces, desired }) =>
    namespaces.flatMap(({ namespace, kernel, linkName }) => {
      const named = desired
        .filter((object) => object.kind === "bridge-vlan")
        .filter((object) => object.namespace === namespace);
      if (named.length === 0) return [];
      const there = new Map<string, BridgeVlanInfo>();
      for (const message of kernel.dump(namespace, "route", dumpBridgeVlans())) {
        const told = decodeBridgeVlans(message);
        const link = linkName(told?.link);
        for (const vlan of told?.vlans ?? []) there.set(`${link} ${vlan.id}`, vlan);
      }
      return named.flatMap((object) => found(object, there) ?? []);
    }),
  commands: {
    create: setCommand,
    update: (_before, object) => setCommand(object),
    delete: (object) => (object.member === false ? [] : [command("delete", object)]),
  },
};
