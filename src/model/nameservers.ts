/** The nameservers of the host: a pool that holds one would cut the host off from it. */
import { readFileSync } from "node:fs";
import { type IpAddress, parseIp } from "../address/ip.ts";

/** Nameservers of a resolv.conf text (resolv.conf(5)); those that are no plain address, as with a zone, are passed over. */
export function parseNameservers(text: string): readonly IpAddress[] {
  return text.split("\n").flatMap((line) => {
    const address = /^nameserver\s+([0-9a-fA-F.:]+)\s*$/.exec(line)?.[1];
    if (address === undefined) return [];
    try {
      return [parseIp(address)];
    } catch {
      return [];
    }
  });
}

/** The host's nameservers; none where it has no /etc/resolv.conf. */
export function nameservers(): readonly IpAddress[] {
  try {
    return parseNameservers(readFileSync("/etc/resolv.conf", "utf8"));
  } catch {
    return [];
  }
}
