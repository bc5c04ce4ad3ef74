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
  { namespace, link, self, id, untagged, pvid }: BridgeVlan,
  context: ApplyContext,
): BridgeVlanOptions => ({
  link: context.linkIndex(namespace, link),
  self,
  id,
  untagged,
  pvid,
});

const set = (object: BridgeVlan): Step => ({
  type: "route",
  namespace: object.namespace,
  messages: (context) => [setBridgeVlan(options(object, context))],
});

function command(verb: "add" | "delete", { namespace, link, self, id, untagged, pvid }: BridgeVlan): string {
  const how = verb === "add" ? `${pvid ? " pvid" : ""}${untagged ? " untagged" : ""}` : "";
  return `${inside(namespace)}bridge vlan ${verb} dev ${link} vid ${id}${how}${self ? " self" : ""}`;
}

export const bridgeVlan: Kind<BridgeVlan> = {
  key: ({ namespace, link, id }) => `bridge-vlan ${namespace} ${link} ${id}`,
  references: ({ namespace, link }) => [namespaceKey(namespace), linkKey(namespace, link)],
  words: ({ namespace, link, id }) => `VLAN ${id} of bridge link ${link} ${inNamespace(namespace)}`,
  create: (object) => [set(object)],
  update: (_before, object) => [set(object)],
  delete: (object) => [
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
      return named.flatMap((object): BridgeVlan[] => {
        const vlan = there.get(`${object.link} ${object.id}`);
        return vlan === undefined ? [] : [{ ...object, ...vlan }];
      });
    }),
  commands: {
    create: (object) => [command("add", object)],
    update: (_before, object) => [command("add", object)],
    delete: (object) => [command("delete", object)],
  },
};
