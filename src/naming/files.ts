/** The files by which the C library of a sandbox's processes resolves names, as libnetwork writes them. */
import type { IpAddress } from "../address/ip.ts";
import type { HostConfiguration } from "./host-configuration.ts";
import { isLoopback } from "./host-configuration.ts";

/** Where the resolver of a sandbox answers. */
export const resolverAddress = "127.0.0.11";

export interface HostsContent {
  /** The sandbox's own names, the full one first. */
  readonly names: readonly string[];
  readonly addresses: readonly IpAddress[];
  readonly ipv6: boolean;
  readonly extraHosts: readonly { readonly name: string; readonly address: IpAddress }[];
}

/** What people add to a hosts file stays, below this line. */
const end = "# end of Portolan's part: what stands below is yours";

/** The content of a hosts file (hosts(5)). */
export function hostsText({ names, addresses, ipv6, extraHosts }: HostsContent): string {
  const lines = [
    "127.0.0.1\tlocalhost",
    ...(ipv6
      ? [
          "::1\tlocalhost ip6-localhost ip6-loopback",
          "fe00::\tip6-localnet",
          "ff00::\tip6-mcastprefix",
          "ff02::1\tip6-allnodes",
          "ff02::2\tip6-allrouters",
        ]
      : []),
    ...extraHosts.map(({ name, address }) => `${address}\t${name}`),
    ...addresses.map((address) => `${address}\t${names.join(" ")}`),
    end,
  ];
  return `${lines.join("\n")}\n`;
}

export interface ResolvContent {
  /** Whether the sandbox has a resolver of its own. */
  readonly resolver: boolean;
  /** As asked for; absent: the host's. */
  readonly nameservers: readonly IpAddress[];
  readonly search: readonly string[];
  readonly options: readonly string[];
  /** Whether its resolver asks others for what it does not know; absent: yes. */
  readonly alone?: boolean;
}

/**
 * The content of a resolv.conf(5). With a resolver of its own a sandbox asks that one alone, for every name as it is (`ndots:0`), unless it was told otherwise.
 * Without one the host's nameservers are asked, but for those that only the host itself reaches. A search of `.` alone means none.
 */
export function resolvText(asked: ResolvContent, host: HostConfiguration): string {
  const others = asked.nameservers.length > 0 ? asked.nameservers : host.nameservers;
  const reachable = asked.nameservers.length > 0 ? others : others.filter((one) => !isLoopback(one));
  const nameservers = asked.resolver ? [resolverAddress] : reachable;
  const search = (asked.search.length > 0 ? asked.search : host.search).filter((domain) => domain !== ".");
  const inherited = asked.options.length > 0 ? asked.options : host.options;
  const hasDots = asked.options.some((option) => option.startsWith("ndots:"));
  const options =
    asked.resolver && !hasDots
      ? [...inherited.filter((option) => !option.startsWith("ndots:")), "ndots:0"]
      : [...inherited];
  const lines = [
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
    ...(asked.resolver ? [`# asks, of others: ${asked.alone ? "nobody" : others.join(" ") || "nobody"}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}
