/** How a host resolves names: resolv.conf(5), as far as sandboxes take it over. */
import { readFileSync } from "node:fs";
import { type IpAddress, parseIp } from "../address/ip.ts";

export interface HostConfiguration {
  readonly nameservers: readonly IpAddress[];
  /** Domains in which short names are looked for. */
  readonly search: readonly string[];
  /** As they are written: `timeout:2`. */
  readonly options: readonly string[];
}

/** Where it stands. */
export const hostConfigurationFile = "/etc/resolv.conf";

/** Reads a resolv.conf text. Nameservers that are no plain address, as with a zone, are passed over; of several `search` lines the last one counts. */
export function parseConfiguration(text: string): HostConfiguration {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const nameservers = lines.flatMap(([word, address]): IpAddress[] => {
    if (word !== "nameserver" || address === undefined) return [];
    try {
      return [parseIp(address)];
    } catch {
      return [];
    }
  });
  const search = lines.findLast(([word]) => word === "search" || word === "domain")?.slice(1) ?? [];
  const options = lines.flatMap(([word, ...rest]) => (word === "options" ? rest : []));
  return { nameservers, search, options };
}

/** The host's, now; empty where it has none. */
export function readHostConfiguration(): HostConfiguration {
  try {
    return parseConfiguration(readFileSync(hostConfigurationFile, "utf8"));
  } catch {
    return { nameservers: [], search: [], options: [] };
  }
}

/** Whether an address is only there in the host itself. */
export const isLoopback = (address: IpAddress): boolean => address.startsWith("127.") || address === "::1";
