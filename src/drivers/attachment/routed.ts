/** A veth pair between the host itself and a container, with a route for each address, as CNI's `ptp` plugin makes it. */
import { addressOf, cidrFamily, interfaceAddress, lengthOf, subnetOf } from "../../address/cidr.ts";
import { familyOf } from "../../address/ip.ts";
import { describeMasqueraded, describeOpenLink } from "../../firewall/open-link.ts";
import type { KernelObject, NamespaceRef, Route } from "../../state/objects.ts";
import type { RoutedInterface } from "../../store/attachment.ts";
import { interfaceAddressOf } from "../interface.ts";
import { describeForwarding } from "./bridged.ts";
import { describeInside, describePair, familiesOf } from "./inside.ts";

const host = "host";
const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

/**
 * What the container has: its addresses without the routes to their subnets, which nobody on a pair of its own would answer for, but by the gateway; and a way to the
 * gateway itself.
 */
function describeWays(
  { addresses, gateways }: RoutedInterface,
  namespace: NamespaceRef,
  link: string,
): readonly KernelObject[] {
  const way = (destination: ReturnType<typeof subnetOf>, more: Partial<Route>): Route => ({
    kind: "route",
    namespace,
    family: cidrFamily(destination),
    destination,
    link,
    ...more,
  });
  return gateways.flatMap((gateway) => {
    const family = familyOf(gateway);
    const own = addresses.filter((one) => cidrFamily(one) === family);
    return [
      way(subnetOf(gateway, bitsOf(family)), family === 4 ? { scope: "link" } : {}),
      ...own
        .filter((one) => lengthOf(one) < bitsOf(family))
        .map((one) => way(subnetOf(addressOf(one), lengthOf(one)), { gateway, onLink: true })),
    ];
  });
}

/** Everything that the plugin made. */
export function describeRouted(made: RoutedInterface, namespace: NamespaceRef, name: string): readonly KernelObject[] {
  const { hostEnd, addresses, gateways, masquerade } = made;
  const inside = describeInside(namespace, name, made).map((object) =>
    object.kind === "address" ? { ...object, noPrefixRoute: true as const } : object,
  );
  return [
    ...describeForwarding(familiesOf(made)),
    describePair(made, namespace, name),
    ...(familiesOf(made).includes(6)
      ? [{ kind: "sysctl", namespace: host, name: `net/ipv6/conf/${hostEnd.name}/accept_dad`, value: "0" } as const]
      : []),
    ...gateways.map((gateway) =>
      interfaceAddressOf(host, hostEnd.name, interfaceAddress(gateway, bitsOf(familyOf(gateway)))),
    ),
    ...addresses.map((address): Route => {
      const family = cidrFamily(address);
      return {
        kind: "route",
        namespace: host,
        family,
        destination: subnetOf(addressOf(address), bitsOf(family)),
        link: hostEnd.name,
        ...(family === 4 && { scope: "link" }),
      };
    }),
    ...inside.filter(({ kind }) => kind !== "route"),
    ...describeWays(made, namespace, name),
    ...inside.filter(({ kind }) => kind === "route"),
    ...(masquerade
      ? [...describeOpenLink(hostEnd.name), ...addresses.map((one) => describeMasqueraded(addressOf(one)))]
      : []),
  ];
}
