/** Counters of links (struct rtnl_link_stats64 of linux/if_link.h, in IFLA_STATS64). */
import { AttributeWriter, malformed } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import { encodeLinkHeader, linkAttribute, linkHeaderLength } from "./link-header.ts";
import { attributesAfter, type MessageBody, routeMessage } from "./rtnetlink.ts";

/** What went one way since the link was made. Exact up to 2^53, which are 9 petabytes. */
export interface LinkCounters {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  /** Thrown away for want of room, or because the link was down. */
  readonly dropped: number;
}

/** What went in and out of a link. */
export interface LinkStatistics {
  readonly rx: LinkCounters;
  readonly tx: LinkCounters;
}

/** Bytes up to tx_dropped, the last member that is read. */
const readLength = 64;

/** Asks for one link with its counters, which other questions leave out. */
export function getLinkStatistics(name: string): NetlinkMessage {
  const writer = new AttributeWriter(64).raw(encodeLinkHeader(0)).string(linkAttribute.name, name);
  return { type: routeMessage.getLink, flags: 0, body: writer.finish() };
}

/** Reads the counters of a link; undefined where the answer has none. Throws `kernel` on malformed bytes. */
export function decodeLinkStatistics(message: MessageBody): LinkStatistics | undefined {
  const bytes = attributesAfter(message.body, linkHeaderLength).get(linkAttribute.statistics)?.value;
  if (bytes === undefined) return undefined;
  if (bytes.length < readLength) throw malformed(`counters of a link have ${bytes.length} bytes, not ${readLength}`);
  // In the order of the structure: each of packets, bytes, errors and dropped first in, then out.
  const member = (place: number): number => Number(bytes.readBigUInt64LE(8 * place));
  const way = (out: 0 | 1): LinkCounters => ({
    bytes: member(2 + out),
    packets: member(out),
    errors: member(4 + out),
    dropped: member(6 + out),
  });
  return { rx: way(0), tx: way(1) };
}
