/** Neighbours and FDB entries that do not age. */

import { PortolanError } from "../../errors.ts";
import type { NetlinkMessage } from "../../kernel/netlink/message.ts";
import {
  createForwarding,
  decodeForwarding,
  deleteForwarding,
  dumpForwarding,
  type ForwardingOptions,
} from "../../kernel/netlink/route/fdb.ts";
import {
  createNeighbour,
  decodeNeighbour,
  deleteNeighbour,
  dumpNeighbours,
  neighbourState,
} from "../../kernel/netlink/route/neighbour.ts";
import { ownProtocol } from "../../kernel/netlink/route/ownership.ts";
import {
  type ApplyContext,
  inNamespace,
  inside,
  type Kind,
  linkKey,
  namespaceKey,
  type ObservedNamespace,
  type Step,
} from "../kind.ts";
import type { Neighbour } from "../objects.ts";

function forwarding({ namespace, link, mac, address }: Neighbour, context: ApplyContext): ForwardingOptions {
  const index = context.linkIndex(namespace, link);
  return { link: index, mac, table: address === undefined ? "master" : "self", destination: address };
}

function plain({ namespace, link, mac, address }: Neighbour, context: ApplyContext) {
  if (address === undefined) throw new PortolanError("internal", `neighbour ${mac} on ${link} has no address`);
  return { link: context.linkIndex(namespace, link), address, mac, protocol: ownProtocol };
}

function step(object: Neighbour, verb: "create" | "replace" | "delete"): Step {
  const messages = (context: ApplyContext): readonly NetlinkMessage[] => {
    if (object.forwarding) {
      const options = forwarding(object, context);
      return [
        verb === "delete"
          ? deleteForwarding(options)
          : createForwarding(options, verb === "create" ? "exclusive" : "replace"),
      ];
    }
    const options = plain(object, context);
    return [
      verb === "delete"
        ? deleteNeighbour(options)
        : createNeighbour(options, verb === "create" ? "exclusive" : "replace"),
    ];
  };
  return { type: "route", namespace: object.namespace, messages };
}

function observeNeighbours({ namespace, kernel, linkName }: ObservedNamespace): readonly Neighbour[] {
  return ([4, 6] as const).flatMap((family) =>
    kernel.dump(namespace, "route", dumpNeighbours(family)).flatMap((message): Neighbour[] => {
      const info = decodeNeighbour(message);
      const link = linkName(info?.link);
      if (info?.protocol !== ownProtocol || info.mac === undefined || link === undefined) return [];
      return [{ kind: "neighbour", namespace, link, address: info.address, mac: info.mac }];
    }),
  );
}

/** The kernel keeps no owner with FDB entries: static ones on links that some wanted entry names count as ours. */
function observeForwarding(from: ObservedNamespace, links: ReadonlySet<string>): readonly Neighbour[] {
  if (links.size === 0) return [];
  return from.kernel.dump(from.namespace, "route", dumpForwarding()).flatMap((message): Neighbour[] => {
    const info = decodeForwarding(message);
    const link = from.linkName(info?.link);
    const fixed = info !== undefined && (info.state & (neighbourState.permanent | neighbourState.noArp)) !== 0;
    if (!fixed || link === undefined || !links.has(link)) return [];
    const { mac, destination } = info;
    return [
      {
        kind: "neighbour",
        namespace: from.namespace,
        link,
        mac,
        forwarding: true,
        ...(destination !== undefined && { address: destination }),
      },
    ];
  });
}

function command(verb: string, { namespace, link, mac, address, forwarding }: Neighbour): string {
  if (forwarding) {
    return `${inside(namespace)}bridge fdb ${verb} ${mac} dev ${link} ${address === undefined ? "master static" : `dst ${address} self permanent`}`;
  }
  return `${inside(namespace)}ip neighbour ${verb} ${address} lladdr ${mac} dev ${link} nud permanent proto ${ownProtocol}`;
}

export const neighbour: Kind<Neighbour> = {
  key: ({ namespace, link, address, mac, forwarding }) =>
    forwarding ? `fdb ${namespace} ${link} ${mac} ${address ?? ""}` : `neighbour ${namespace} ${link} ${address}`,
  references: ({ namespace, link }) => [namespaceKey(namespace), linkKey(namespace, link)],
  words: ({ namespace, link, address, mac, forwarding }) =>
    `${forwarding ? "FDB entry" : "neighbour"} ${address ?? mac} on link ${link} ${inNamespace(namespace)}`,
  create: (object) => [step(object, "create")],
  update: (_before, object) => [step(object, "replace")],
  delete: (object) => [step(object, "delete")],
  observe: ({ namespaces, desired }) => {
    const entries = desired.filter((object) => object.kind === "neighbour").filter((object) => object.forwarding);
    return namespaces.flatMap((from) => {
      const links = new Set(entries.filter(({ namespace }) => namespace === from.namespace).map(({ link }) => link));
      return [...observeNeighbours(from), ...observeForwarding(from, links)];
    });
  },
  commands: {
    create: (object) => [command("add", object)],
    update: (_before, object) => [command("replace", object)],
    delete: (object) => [command(object.forwarding ? "del" : "delete", object)],
  },
};
