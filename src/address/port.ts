/** Published ports: how they are written, and what they mean. */
import { PortolanError } from "../errors.ts";
import { type Family, type IpAddress, parseIp } from "./ip.ts";

export type TransportProtocol = "tcp" | "udp" | "sctp";

export const transportProtocols: readonly TransportProtocol[] = ["tcp", "udp", "sctp"];

/** Whether a word is a transport protocol's. */
export const isTransportProtocol = (word: string): word is TransportProtocol =>
  transportProtocols.some((one) => one === word);

/** The endpoint option that publishes ports, by libnetwork's key: as they are written elsewhere, parted by commas. */
export const portMapOption = "com.docker.network.portmap";

/** Ports in a row, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Ports of the host that lead to ports of a sandbox, the first to the first and so on. */
export interface PublishedPort {
  readonly protocol: TransportProtocol;
  /** The host's address; absent: all of them. */
  readonly address?: IpAddress;
  readonly host: PortRange;
  /** As many as `host` has. */
  readonly container: PortRange;
}

/** Ports that are open at a sandbox's own address: what a published port is in a family that is routed, not translated. */
export interface OpenedPort {
  readonly protocol: TransportProtocol;
  readonly family: Family;
  readonly container: PortRange;
}

/** Published ports that a process leads to the sandbox for IPv6 clients of the host. It copies bytes and datagrams, and SCTP is more than these. */
export interface ProxiedPort extends Omit<PublishedPort, "protocol"> {
  readonly protocol: Exclude<TransportProtocol, "sctp">;
  /** The sandbox's address. */
  readonly inside: IpAddress;
}

/** A published port as it is asked for. */
export interface PortWish extends Omit<PublishedPort, "host"> {
  /** For one port of the sandbox the first free of these; absent: the first free that the host has for such. */
  readonly host?: PortRange;
}

/** How many ports a range has. */
export const countOf = ({ first, last }: PortRange): number => last - first + 1;

/** Whether two ranges have a port in common. */
export const meet = (a: PortRange, b: PortRange): boolean => a.first <= b.last && b.first <= a.last;

/** The fewest ranges that hold exactly the ports of the ones given, in order. */
export function joinRanges(ranges: readonly PortRange[]): readonly PortRange[] {
  const joined: PortRange[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before === undefined || first > before.last + 1) joined.push({ first, last });
    else joined[joined.length - 1] = { first: before.first, last: Math.max(before.last, last) };
  }
  return joined;
}

const refused = (text: string, reason: string): PortolanError =>
  new PortolanError("invalid-argument", `"${text}" is no published port: ${reason}`, {
    object: `published port "${text}"`,
    advice: "write [ADDRESS:]HOST[-HOST]:PORT[-PORT][/tcp|udp|sctp], such as 8080:80 or 127.0.0.1:5353:53/udp",
  });

function parseRange(text: string, part: string): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || first > 65_535 || last > 65_535) throw refused(text, `"${part}" is no port from 0 to 65535`);
  if (last < first) throw refused(text, `the range ${part} ends before it begins`);
  return { first, last };
}

/** The three parts between colons; an IPv6 address stands in brackets. */
function split(text: string, rest: string): readonly [address: string, host: string, container: string] {
  const match = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?(?:([\d-]*):)?([\d-]+)$/.exec(rest);
  if (match === null) throw refused(text, "it is not of that form");
  const [, bracketed, plain, host, container = ""] = match;
  const before = bracketed ?? plain;
  // With one colon, what is before it is the host's port.
  if (host === undefined && bracketed === undefined) return ["", before ?? "", container];
  return [before ?? "", host ?? "", container];
}

/** Reads `[ADDRESS:]HOST[-HOST]:PORT[-PORT][/PROTOCOL]`; host port 0 or none: any. Throws `invalid-argument`. */
export function parsePort(text: string): PortWish {
  const [, rest = "", word = "tcp"] = /^(.*?)(?:\/([a-z]*))?$/i.exec(text) ?? [];
  const protocol = word.toLowerCase();
  if (!isTransportProtocol(protocol)) throw refused(text, `"${word}" is none of ${transportProtocols.join(", ")}`);
  const [before, hostPart, containerPart] = split(text, rest);
  const container = parseRange(text, containerPart);
  if (container.first === 0) throw refused(text, "a sandbox has no port 0");
  const asked = hostPart === "" ? undefined : parseRange(text, hostPart);
  const host = asked === undefined || asked.last === 0 ? undefined : asked;
  if (host?.first === 0) throw refused(text, "port 0 begins no range");
  if (host !== undefined && countOf(container) > 1 && countOf(host) !== countOf(container))
    throw refused(text, `${countOf(host)} ports of the host do not lead to ${countOf(container)} of the sandbox`);
  const address = before === "" ? undefined : parseIp(before);
  const everywhere = address === "0.0.0.0" || address === "::";
  return {
    protocol,
    ...(address !== undefined && !everywhere && { address }),
    ...(host !== undefined && { host }),
    container,
  };
}

const rangeText = ({ first, last }: PortRange): string => (first === last ? String(first) : `${first}-${last}`);

/** A port in text, asked for or given, as {@link parsePort} reads it. */
export function portText({ protocol, address, host, container }: PortWish): string {
  const before = address === undefined ? "" : address.includes(":") ? `[${address}]:` : `${address}:`;
  const hosts = host === undefined ? (address === undefined ? "" : ":") : `${rangeText(host)}:`;
  return `${before}${hosts}${rangeText(container)}/${protocol}`;
}
