/** What a driver's interface has inside a sandbox: sysctls and addresses. The same for every driver that makes links. */
import { cidrFamily, type InterfaceAddress } from "../address/cidr.ts";
import { PortolanError } from "../errors.ts";
import type { Address, KernelObject, NamespaceRef, Sysctl } from "../state/objects.ts";
import type { EndpointRecord, NetworkRecord } from "../store/records.ts";
import { type InterfaceSysctls, sysctlsOf } from "./interface-sysctls.ts";

/** Whether there is IPv6 on an interface: what the network says, not the user's sysctls. */
const ipv6Switch = "net.ipv6.conf.IFNAME.disable_ipv6";

/** Throws `invalid-option` where sysctls contradict the network. */
export function checkInterfaceSysctls({ enableIpv6 }: NetworkRecord, sysctls: InterfaceSysctls = {}): void {
  const asked = sysctls[ipv6Switch];
  if (asked === undefined || asked === ipv6Off(enableIpv6)) return;
  throw new PortolanError(
    "invalid-option",
    `"${ipv6Switch}" cannot be ${asked}: the network has ${enableIpv6 ? "" : "no "}IPv6`,
    {
      object: 'option "com.docker.network.endpoint.sysctls"',
      advice: "leave it out: IPv6 is on inside exactly if the network has it",
    },
  );
}

const ipv6Off = (enableIpv6: boolean): string => (enableIpv6 ? "0" : "1");

/**
 * What is set on every interface, either way, so that it holds whatever the sandbox's defaults are. Addresses and routes are the engine's to give: a router
 * advertisement from anybody in the network would add to them. And nobody waits for duplicate address detection of the link-local address.
 */
const ownSysctls = (enableIpv6: boolean, { detectDuplicates = false }: InterfaceManners): InterfaceSysctls => ({
  [ipv6Switch]: ipv6Off(enableIpv6),
  ...(enableIpv6 && {
    "net.ipv6.conf.IFNAME.accept_ra": "0",
    "net.ipv6.conf.IFNAME.autoconf": "0",
    "net.ipv6.conf.IFNAME.accept_dad": detectDuplicates ? "1" : "0",
  }),
});

/** How the interfaces of a network behave on its link. */
export interface InterfaceManners {
  /** How often the link is told of the addresses when they come; absent: never. */
  readonly announce?: NonNullable<Address["announce"]>;
  /** The kernel looks for duplicates of the link-local address that it makes. */
  readonly detectDuplicates?: boolean;
}

/** The sysctls and addresses of an endpoint's interface, which is called `link`. */
export function describeInterface(
  { enableIpv6 }: NetworkRecord,
  { ipv4, ipv6, linkLocal = [], sysctls = {} }: EndpointRecord,
  namespace: NamespaceRef,
  link: string,
  manners: InterfaceManners,
): readonly KernelObject[] {
  const settings = sysctlsOf({ ...ownSysctls(enableIpv6, manners), ...sysctls }, link);
  const { announce } = manners;
  const addresses = [ipv4, ipv6, ...linkLocal].filter((wanted) => wanted !== undefined);
  return [
    ...settings.map(([name, value]): Sysctl => ({ kind: "sysctl", namespace, name, value })),
    ...addresses.map((wanted) => ({
      ...interfaceAddressOf(namespace, link, wanted),
      ...(announce !== undefined && { announce }),
    })),
  ];
}

/** An address that IPAM or the user gave, so nobody has it: looking for duplicates would only make it unusable for a second. */
export function interfaceAddressOf(namespace: NamespaceRef, link: string, address: InterfaceAddress): Address {
  const quick = cidrFamily(address) === 6 ? { noDuplicateDetection: true } : {};
  return { kind: "address", namespace, link, address, ...quick };
}
