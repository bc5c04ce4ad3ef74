/** Exposed ports: ports that a sandbox says it listens on. They are told to whoever asks, and open nothing. */
import { PortolanError } from "../errors.ts";
import { isTransportProtocol, type PortRange, type TransportProtocol, transportProtocols } from "./port.ts";

/** Ports of a sandbox. */
export interface ExposedPort {
  readonly protocol: TransportProtocol;
  readonly ports: PortRange;
}

const refused = (text: string, reason: string): PortolanError =>
  new PortolanError("invalid-argument", `"${text}" is no exposed port: ${reason}`, {
    object: `exposed port "${text}"`,
    advice: "write PORT[-PORT][/tcp|udp|sctp], such as 80 or 5000-5010/udp",
  });

/** Reads `PORT[-PORT][/PROTOCOL]`; throws `invalid-argument`. */
export function parseExposedPort(text: string): ExposedPort {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/([a-z]+))?$/i.exec(text);
  if (match === null) throw refused(text, "it is not of that form");
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  if (first < 1 || last > 65_535) throw refused(text, "ports are from 1 to 65535");
  if (last < first) throw refused(text, "the range ends before it begins");
  const protocol = (match[3] ?? "tcp").toLowerCase();
  if (!isTransportProtocol(protocol)) throw refused(text, `"${match[3]}" is none of ${transportProtocols.join(", ")}`);
  return { protocol, ports: { first, last } };
}
