/** What a namespace holds that choices depend on, foreign objects included. */
import { addressOf, lengthOf, subnetOf } from "../address/cidr.ts";
import { PortolanError } from "../errors.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { decodeAddress, dumpAddresses } from "../kernel/netlink/route/address.ts";
import { decodeRoute, dumpRoutes } from "../kernel/netlink/route/route.ts";
import type { NamespaceFacts } from "./engine.ts";
import type { NamespaceRef } from "./objects.ts";
import { observeNamespace } from "./observe.ts";

/** Route types that lead somewhere or claim a subnet. */
const claiming = new Set(["unicast", "local", "blackhole", "unreachable", "prohibit"]);

/** RT_TABLE_MAIN (linux/rtnetlink.h) */
const mainTable = 254;

/** The sysctls that show the firewall of a family what passes between the ports of bridges; not there without br_netfilter. */
const bridgingSysctls = { 4: "net/bridge/bridge-nf-call-iptables", 6: "net/bridge/bridge-nf-call-ip6tables" } as const;

/** Facts about a namespace; throws `not-found` where it does not exist. */
export function readFacts(kernel: Kernel, namespace: NamespaceRef): NamespaceFacts {
  const there = observeNamespace(kernel, namespace);
  if (there === undefined) {
    throw new PortolanError("not-found", `${namespace} is not a network namespace`, {
      object: `namespace ${namespace}`,
      advice: "give the path of a namespace file, such as /run/netns/NAME or /proc/PID/ns/net",
    });
  }
  const links = there.links.map(({ name, kind, up, mtu, mac, data }) => ({
    name,
    type: kind ?? "",
    up,
    mtu: mtu ?? 0,
    ...(mac !== undefined && { mac }),
    ...(data?.kind === "bridge" && {
      vlans: { filtering: data.vlanFiltering ?? false, default: data.defaultVlan ?? 0 },
    }),
  }));
  const addresses = kernel.dump(namespace, "route", dumpAddresses()).flatMap((message) => {
    const info = decodeAddress(message);
    const link = there.linkName(info?.link);
    if (info === undefined || link === undefined) return [];
    const address = addressOf(info.address);
    return [{ link, address, subnet: subnetOf(address, lengthOf(info.address)) }];
  });
  const all = ([4, 6] as const).flatMap((family) =>
    kernel.dump(namespace, "route", dumpRoutes(family)).flatMap((message) => decodeRoute(message) ?? []),
  );
  const linkOf = ({ link: index }: (typeof all)[number]): { readonly link?: string } => {
    const link = there.linkName(index);
    return link === undefined ? {} : { link };
  };
  const routes = all.flatMap((info) =>
    info.destination === "default" || !claiming.has(info.type)
      ? []
      : [{ destination: info.destination, ...linkOf(info) }],
  );
  const defaults = all.flatMap((info) =>
    info.destination === "default" && info.type === "unicast" && info.table === mainTable
      ? [{ family: info.family, ...linkOf(info), ...(info.gateway !== undefined && { gateway: info.gateway }) }]
      : [],
  );
  const filteredBridging = ([4, 6] as const).filter(
    (family) => kernel.readSysctl(namespace, bridgingSysctls[family]) === "1",
  );
  return { links, addresses, routes, defaults, filteredBridging };
}
