/**
 * Proxied ports, a part of the table: published ports whose clients the kernel cannot lead to the sandbox itself. These are clients of the host's own ::1, because
 * answers that are translated back to it are dropped, and IPv6 clients of sandboxes that have IPv4 alone. They are led to another port of the host, at which one
 * process serves all of them (src/proxy); while none does, the map `proxy` is empty, and they find nobody.
 *
 *     proxied      from an internal network? return → by address, protocol and port (sets) → to-proxy
 *     to-proxy     the protocol's port in the map `proxy`
 *     input        (isolation.ts) from elsewhere to the proxy? portolan-user
 */
import { addressOf, type InterfaceAddress } from "../address/cidr.ts";
import { familyOf, parseIp } from "../address/ip.ts";
import { countOf, type ProxiedPort, type PublishedPort } from "../address/port.ts";
import { nftElement } from "../state/nft/elements.ts";
import { concat, iifname, ip6Daddr, l4proto, nfproto, thDport } from "../state/nft/selectors.ts";
import { ctStatus, dnatPort, goTo, jump, lookup, match, returns } from "../state/nft/statements.ts";
import type { KernelObject, NftElement, NftKeyPart, NftSet } from "../state/objects.ts";
import { chain, rules, set } from "./building.ts";

const loopback = parseIp("::1");

export const proxiedSets = {
  /** Ports proxied on one address of the host: it, protocol and port. */
  proxied6: set("proxied6", { key: ["ipv6_addr", "inet_proto", "inet_service"] }),
  /** Ports proxied on all of them. */
  proxiedAnywhere6: set("proxied-anywhere6", { key: ["inet_proto", "inet_service"] }),
  /** Rows of ports, an element each. */
  proxiedRows6: set("proxied-rows6", { key: ["ipv6_addr", "inet_proto", "inet_service"], interval: true }),
  /** Where the proxy serves: the port for each protocol. */
  proxy: set("proxy", { key: ["inet_proto"], data: ["inet_service"] }),
  /** The same as a set. */
  proxyPorts: set("proxy-ports", { key: ["inet_proto", "inet_service"] }),
} as const satisfies Readonly<Record<string, NftSet>>;

const { proxied6, proxiedAnywhere6, proxiedRows6, proxy, proxyPorts } = proxiedSets;

/** Asked for what goes to the host itself and nothing else translates. */
export const proxied = chain("proxied");
const toProxy = chain("to-proxy");

/** `internal`: the set of bridges from which nothing of another network is reached, as it would be by the proxy. */
const proxiedRules = (internal: NftSet) =>
  rules(proxied, {
    "internal networks stay inside": [lookup(iifname(), internal.name), returns()],
    "one address": [lookup(concat(ip6Daddr(), l4proto(), thDport()), proxied6.name), goTo(toProxy.name)],
    "all addresses": [
      match(nfproto(), "==", "ipv6"),
      lookup(concat(l4proto(), thDport()), proxiedAnywhere6.name),
      goTo(toProxy.name),
    ],
    rows: [lookup(concat(ip6Daddr(), l4proto(), thDport()), proxiedRows6.name), goTo(toProxy.name)],
  });

const toProxyRules = rules(toProxy, {
  TCP: [match(l4proto(), "==", "tcp"), dnatPort(proxy.name, l4proto())],
  UDP: [match(l4proto(), "==", "udp"), dnatPort(proxy.name, l4proto())],
});

/** Its chains and rules. */
export const proxiedChains = (internal: NftSet): readonly KernelObject[] => [
  proxied,
  toProxy,
  ...proxiedRules(internal),
  ...toProxyRules,
];

/** What the host's input asks: from elsewhere a proxied port is reached here, not by forwarding. */
export const administratorOfProxied = (userChain: string) => [
  match(iifname(), "!=", "lo"),
  ctStatus("dnat"),
  lookup(concat(l4proto(), thDport()), proxyPorts.name),
  jump(userChain),
];

/** What the firewall needs to know of an endpoint to tell which of its ports are proxied. */
export interface ProxiedPublisher {
  /** Addresses to which published ports lead. */
  readonly ipv4?: InterfaceAddress;
  readonly ipv6?: InterfaceAddress;
  readonly ports?: readonly PublishedPort[];
}

/** The ports of an endpoint that need the proxy. */
export function proxiedPorts({ ipv4, ipv6, ports = [] }: ProxiedPublisher): readonly ProxiedPort[] {
  const cidr = ipv6 ?? ipv4;
  if (cidr === undefined) return [];
  const inside = addressOf(cidr);
  return ports.flatMap(({ protocol, address, host, container }): ProxiedPort[] => {
    if (protocol === "sctp" || (address !== undefined && familyOf(address) === 4)) return [];
    const port = { protocol, host, inside, container };
    // To a sandbox with IPv4 alone nobody comes by IPv6 otherwise.
    if (ipv6 === undefined) return [address === undefined ? port : { ...port, address }];
    return address === undefined || address === loopback ? [{ ...port, address: loopback }] : [];
  });
}

/** Their elements, one for each port or row. */
export const describeProxied = (ports: readonly ProxiedPort[]): readonly NftElement[] =>
  ports.map(({ protocol, address, host }) => {
    const first = String(host.first);
    if (countOf(host) > 1) {
      const where: NftKeyPart = address ?? { prefix: "::/0" };
      return nftElement(proxiedRows6, [where, protocol, { from: first, to: String(host.last) }]);
    }
    return address === undefined
      ? nftElement(proxiedAnywhere6, [protocol, first])
      : nftElement(proxied6, [address, protocol, first]);
  });

/** The elements that say where the proxy serves. */
export const describeProxy = (port: number): readonly NftElement[] =>
  (["tcp", "udp"] as const).flatMap((protocol) => [
    nftElement(proxy, [protocol], [String(port)]),
    nftElement(proxyPorts, [protocol, String(port)]),
  ]);
