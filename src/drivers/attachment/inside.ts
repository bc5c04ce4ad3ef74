/** What an attachment's interface has inside the container, whatever link it is: addresses and routes of IPAM's. */
import { addressOf, cidrFamily, lengthOf } from "../../address/cidr.ts";
import { type Family, familyOf } from "../../address/ip.ts";
import type { KernelObject, NamespaceRef, Route, VethLink } from "../../state/objects.ts";
import type { AttachmentInterface, AttachmentRoute, HostEnd } from "../../store/attachment.ts";
import type { JoinDescription } from "../driver.ts";
import { interfaceAddressOf } from "../interface.ts";

/** A veth pair between the host and the container, where the interface is called `name`. */
export const describePair = (
  { hostEnd, mac, mtu, leftDown }: AttachmentInterface & { readonly hostEnd: HostEnd; readonly leftDown?: true },
  namespace: NamespaceRef,
  name: string,
): VethLink => ({
  kind: "link",
  namespace: "host",
  type: "veth",
  name: hostEnd.name,
  mac: hostEnd.mac,
  ...(mtu !== undefined && { mtu }),
  up: true,
  peer: {
    namespace,
    name,
    ...(mac !== undefined && { mac }),
    ...(mtu !== undefined && { mtu }),
    ...(leftDown !== true && { up: true }),
  },
});

/** Sysctls, addresses and routes of the interface called `link`; the plain default routes are the model's to give. */
export function describeInside(
  namespace: NamespaceRef,
  link: string,
  { addresses, routes }: AttachmentInterface,
): readonly KernelObject[] {
  const six = addresses.some((address) => cidrFamily(address) === 6);
  const setting = (name: string, value: string): KernelObject => ({
    kind: "sysctl",
    namespace,
    name: `net/ipv6/conf/${link}/${name}`,
    value,
  });
  return [
    // Addresses that IPAM gave nobody else has, and they stay when the link goes down, as its IPv4 addresses do.
    ...(six ? [setting("disable_ipv6", "0"), setting("accept_dad", "0"), setting("keep_addr_on_down", "1")] : []),
    ...addresses.map((address) => interfaceAddressOf(namespace, link, address)),
    ...routes.filter((route) => !isPlainDefault(route)).map((route) => describeRoute(namespace, link, route)),
  ];
}

/** Whether a route leads everywhere and says nothing but by whom. */
function isPlainDefault({ destination, gateway, ...more }: AttachmentRoute): boolean {
  return lengthOf(destination) === 0 && gateway !== undefined && Object.keys(more).length === 0;
}

/** A route inside, by the interface. */
export function describeRoute(namespace: NamespaceRef, link: string, route: AttachmentRoute): Route {
  const { destination, gateway, scope, mtu, advertisedMss, metric, table } = route;
  const family = cidrFamily(destination);
  return {
    kind: "route",
    namespace,
    family,
    destination: lengthOf(destination) === 0 ? "default" : destination,
    link,
    ...(gateway !== undefined && { gateway }),
    ...(mtu !== undefined && { mtu }),
    ...(advertisedMss !== undefined && { advertisedMss }),
    ...(metric !== undefined && { metric }),
    ...(table !== undefined && { table }),
    ...(scope !== undefined && { scope }),
    ...(scope === undefined && gateway === undefined && family === 4 && { scope: "link" as const }),
  };
}

/** The gateways of the plain default routes, the first of each family. */
export function defaultGateways({ routes }: AttachmentInterface): Pick<JoinDescription, "gatewayIpv4" | "gatewayIpv6"> {
  const gateway = (family: Family) =>
    routes.find((route) => isPlainDefault(route) && cidrFamily(route.destination) === family)?.gateway;
  const [gatewayIpv4, gatewayIpv6] = [gateway(4), gateway(6)];
  return { ...(gatewayIpv4 && { gatewayIpv4 }), ...(gatewayIpv6 && { gatewayIpv6 }) };
}

/** The families of addresses. */
export const familiesOf = ({ addresses }: AttachmentInterface): readonly Family[] =>
  ([4, 6] as const).filter((family) => addresses.some((one) => familyOf(addressOf(one)) === family));
