/** Routes (rtnetlink RTM_*ROUTE; linux/rtnetlink.h, struct rtmsg). */
import { addressOf, lengthOf, type Subnet } from "../../../address/cidr.ts";
import { type Family, type IpAddress, ipToBytes } from "../../../address/ip.ts";
import { type Attributes, AttributeWriter } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import { decodeNextHops, encodeNextHops, type NextHop, nextHopFlag, readGateway, writeGateway } from "./next-hop.ts";
import { decodeMetrics, encodeMetrics, type RouteMetrics } from "./route-metrics.ts";
import {
  attributesAfter,
  type CreateMode,
  createFlags,
  familyNumber,
  familyOfNumber,
  type MessageBody,
  readHeader,
  readIp,
  readSubnet,
  routeMessage,
} from "./rtnetlink.ts";
import { type Scope, scopeName, scopeNumber } from "./scope.ts";

export type { NextHop } from "./next-hop.ts";
export type { RouteMetrics } from "./route-metrics.ts";

/** RTA_* attribute types. */
const attribute = {
  /** RTA_DST */ destination: 1,
  /** RTA_SRC */ from: 2,
  /** RTA_OIF */ link: 4,
  /** RTA_PRIORITY */ metric: 6,
  /** RTA_PREFSRC */ source: 7,
  /** RTA_METRICS */ metrics: 8,
  /** RTA_MULTIPATH */ nextHops: 9,
  /** RTA_TABLE */ table: 15,
} as const;

/** RTN_* route types, by value. */
const routeTypes = [
  "unspecified",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
  "nat",
  "external",
] as const;
/** What happens to packets for a destination. */
export type RouteType = (typeof routeTypes)[number];

/** RT_TABLE_* numbers. */
export const routeTable = {
  /** RT_TABLE_MAIN */ main: 254,
  /** RT_TABLE_LOCAL: addresses of this machine and broadcasts. */ local: 255,
} as const;

/** Bytes of struct rtmsg. */
const headerLength = 12;

/** A route to make or to remove. */
export interface RouteOptions {
  readonly family: Family;
  readonly destination: Subnet | "default";
  /** RTN_*; absent: "unicast", and in a deletion any. */
  readonly type?: RouteType | undefined;
  /** Of either family: an IPv4 destination can be behind an IPv6 gateway (RTA_VIA). */
  readonly gateway?: IpAddress | undefined;
  /** Index of the outgoing link. */
  readonly link?: number | undefined;
  /** The gateway is on the link although no address says so (RTNH_F_ONLINK). */
  readonly onLink?: boolean | undefined;
  /** Several ways, in place of `gateway` and `link`. */
  readonly nextHops?: readonly NextHop[] | undefined;
  /** Preferred source address (RTA_PREFSRC). */
  readonly source?: IpAddress | undefined;
  /** Main (254) where absent. */
  readonly table?: number | undefined;
  /** Priority, lower wins (RTA_PRIORITY). */
  readonly metric?: number | undefined;
  /** Absent: as {@link createRoute} chooses, and in a deletion any. IPv6 has none. */
  readonly scope?: Scope | undefined;
  /** Who made it (rtm_protocol); absent or 0: not said, which in a deletion means any. */
  readonly protocol?: number | undefined;
  readonly metrics?: RouteMetrics | undefined;
}

/** A route as the kernel tells it. */
export interface RouteInfo {
  readonly family: Family;
  readonly destination: Subnet | "default";
  /** Source subnet it is for (IPv6 subtrees). */
  readonly from: Subnet | undefined;
  readonly type: RouteType;
  readonly gateway: IpAddress | undefined;
  readonly link: number | undefined;
  readonly onLink: boolean;
  readonly nextHops: readonly NextHop[] | undefined;
  readonly source: IpAddress | undefined;
  readonly table: number;
  readonly metric: number | undefined;
  readonly scope: Scope;
  readonly protocol: number;
  /** RTNH_F_* and RTM_F_* flags. */
  readonly flags: number;
  readonly metrics: RouteMetrics | undefined;
}

interface Header {
  readonly family: number;
  readonly destinationLength: number;
  readonly sourceLength: number;
  /** The low 8 bits; RTA_TABLE has all of them. */
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  readonly type: number;
  readonly flags: number;
}

function encodeHeader(parts: Header): Uint8Array {
  const header = Buffer.alloc(headerLength);
  header[0] = parts.family;
  header[1] = parts.destinationLength;
  header[2] = parts.sourceLength;
  // rtm_tos at 3 stays 0.
  header[4] = parts.table > 255 ? 0 : parts.table;
  header[5] = parts.protocol;
  header[6] = parts.scope;
  header[7] = parts.type;
  header.writeUInt32LE(parts.flags, 8);
  return header;
}

function decodeHeader(bytes: Uint8Array): Header {
  const header = readHeader(bytes, headerLength);
  return {
    family: header.readUInt8(0),
    destinationLength: header.readUInt8(1),
    sourceLength: header.readUInt8(2),
    table: header.readUInt8(4),
    protocol: header.readUInt8(5),
    scope: header.readUInt8(6),
    type: header.readUInt8(7),
    flags: header.readUInt32LE(8),
  };
}

/**
 * Makes a route. An IPv4 scope that is not given is chosen as `ip route` does: "host" for local routes, "link" where no gateway is
 * needed, "universe" otherwise.
 */
export function createRoute(options: RouteOptions, mode: CreateMode = "exclusive"): NetlinkMessage {
  const { type = "unicast", scope = defaultScope(options, type) } = options;
  return { type: routeMessage.newRoute, flags: createFlags[mode], body: encodeRoute(options, type, scope) };
}

/** Removes the first route that agrees in all that is given. */
export function deleteRoute(options: RouteOptions): NetlinkMessage {
  const { type = "unspecified", scope = options.family === 4 ? "nowhere" : "universe" } = options;
  return { type: routeMessage.deleteRoute, flags: 0, body: encodeRoute(options, type, scope) };
}

/**
 * Asks for all routes of a family, or only those of a table, an origin, a type or a link. The dump is refused with ENOENT where the
 * table does not exist, and with ENODEV where the link does not.
 */
export function dumpRoutes(
  family: Family,
  filter: Pick<RouteOptions, "table" | "protocol" | "type" | "link"> = {},
): NetlinkMessage {
  const header = encodeHeader({
    family: familyNumber(family),
    destinationLength: 0,
    sourceLength: 0,
    table: filter.table ?? 0,
    protocol: filter.protocol ?? 0,
    scope: 0,
    type: filter.type === undefined ? 0 : routeTypes.indexOf(filter.type),
    flags: 0,
  });
  const writer = new AttributeWriter(32).raw(header);
  if (filter.link !== undefined) writer.u32(attribute.link, filter.link);
  if (filter.table !== undefined && filter.table > 255) writer.u32(attribute.table, filter.table);
  return { type: routeMessage.getRoute, flags: 0, body: writer.finish() };
}

function defaultScope(options: RouteOptions, type: RouteType): Scope {
  if (options.family === 6) return "universe";
  switch (type) {
    case "local":
    case "nat":
      return "host";
    case "broadcast":
    case "multicast":
    case "anycast":
      return "link";
    case "unicast":
      return options.gateway === undefined && options.nextHops === undefined ? "link" : "universe";
    default:
      return "universe";
  }
}

function encodeRoute(options: RouteOptions, type: RouteType, scope: Scope): Uint8Array {
  const { destination, gateway, link, source, metric, metrics, nextHops, table = routeTable.main } = options;
  const header = encodeHeader({
    family: familyNumber(options.family),
    destinationLength: destination === "default" ? 0 : lengthOf(destination),
    sourceLength: 0,
    table,
    protocol: options.protocol ?? 0,
    scope: scopeNumber(scope),
    type: routeTypes.indexOf(type),
    flags: options.onLink ? nextHopFlag.onLink : 0,
  });
  const writer = new AttributeWriter(128).raw(header);
  if (destination !== "default") writer.bytes(attribute.destination, ipToBytes(addressOf(destination)));
  if (link !== undefined) writer.u32(attribute.link, link);
  if (gateway !== undefined) writeGateway(writer, gateway, options.family);
  if (metric !== undefined) writer.u32(attribute.metric, metric);
  if (source !== undefined) writer.bytes(attribute.source, ipToBytes(source));
  if (metrics !== undefined) writer.nested(attribute.metrics, (inner) => encodeMetrics(inner, metrics));
  if (nextHops !== undefined) writer.bytes(attribute.nextHops, encodeNextHops(nextHops, options.family));
  if (table > 255) writer.u32(attribute.table, table);
  return writer.finish();
}

/** Reads a route; undefined for other families than IPv4 and IPv6. Throws `kernel` on malformed bytes. */
export function decodeRoute(message: MessageBody): RouteInfo | undefined {
  const header = decodeHeader(message.body);
  const family = familyOfNumber(header.family);
  if (family === undefined) return undefined;
  const attributes = attributesAfter(message.body, headerLength);
  return {
    family,
    destination: readSubnet(attributes.get(attribute.destination), header.destinationLength, family) ?? "default",
    from: readSubnet(attributes.get(attribute.from), header.sourceLength, family),
    type: routeTypes[header.type] ?? "unspecified",
    gateway: readGateway(attributes, family),
    link: attributes.get(attribute.link)?.u32(),
    onLink: (header.flags & nextHopFlag.onLink) !== 0,
    nextHops: readNextHops(attributes, family),
    source: readSource(attributes, family),
    table: attributes.get(attribute.table)?.u32() ?? header.table,
    metric: attributes.get(attribute.metric)?.u32(),
    scope: scopeName(header.scope),
    protocol: header.protocol,
    flags: header.flags,
    metrics: readMetrics(attributes),
  };
}

function readNextHops(attributes: Attributes, family: Family): readonly NextHop[] | undefined {
  const found = attributes.get(attribute.nextHops);
  return found && decodeNextHops(found.value, family);
}

function readSource(attributes: Attributes, family: Family): IpAddress | undefined {
  const found = attributes.get(attribute.source);
  return found && readIp(found, family);
}

function readMetrics(attributes: Attributes): RouteMetrics | undefined {
  const found = attributes.get(attribute.metrics);
  return found && decodeMetrics(found.nested());
}
