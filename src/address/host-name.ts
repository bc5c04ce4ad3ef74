/** Names of hosts, and the addresses that people give them. */
import { PortolanError } from "../errors.ts";
import { type IpAddress, parseIp } from "./ip.ts";

/** Labels of letters, digits, `-` and `_`, parted by dots (RFC 1123 §2.1, and what docker takes); at most 253 bytes. */
const pattern = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

/** Reads the name of a host or domain; throws `invalid-argument`. */
export function parseHostName(what: string, text: string): string {
  if (pattern.test(text)) return text;
  throw new PortolanError("invalid-argument", `"${text}" cannot be a ${what}`, {
    object: `${what} "${text}"`,
    advice: "give letters, digits, '-' and '_' in parts of at most 63, parted by dots",
  });
}

/** A name with an address; `host-gateway` is whatever address the sandbox reaches the host by. */
export interface ExtraHost {
  readonly name: string;
  readonly address: IpAddress | "host-gateway";
}

/** Reads `NAME:ADDRESS` (or `NAME=ADDRESS`), as docker's --add-host; throws `invalid-argument`. */
export function parseExtraHost(text: string): ExtraHost {
  const [, name, written] = /^([^:=]+)[:=](.+)$/.exec(text) ?? [];
  if (name === undefined || written === undefined) {
    throw new PortolanError("invalid-argument", `"${text}" gives no host an address`, {
      object: `extra host "${text}"`,
      advice: "write NAME:ADDRESS, such as db:10.1.0.7 or host.internal:host-gateway",
    });
  }
  const address = /^\[(.*)\]$/.exec(written)?.[1] ?? written;
  return { name: parseHostName("host name", name), address: address === "host-gateway" ? address : parseIp(address) };
}

/** The same in text. */
export const extraHostText = ({ name, address }: ExtraHost): string => `${name}:${address}`;
