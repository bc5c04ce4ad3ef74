/** From what users give to what the model works with: names, addresses and maps are checked here, before anything is done. */
import { cidrFamily, contains, type InterfaceAddress, lengthOf, parseSubnet, type Subnet } from "../address/cidr.ts";
import { type Family, familyOf, type IpAddress, isAssignable, parseIp } from "../address/ip.ts";
import { parseLinkLocal } from "../address/link-local.ts";
import { type MacAddress, parseMac } from "../address/mac.ts";
import { type PortWish, parsePort } from "../address/port.ts";
import { parseRoute, type StaticRoute } from "../address/static-route.ts";
import { PortolanError } from "../errors.ts";
import type { EndpointSpec, IpamPoolSpec, JoinSpec } from "./types.ts";

type Texts = Readonly<Record<string, string>>;

/** Names as docker takes them; at most 128 characters, so that they fit wherever they are shown. */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** A name for an object; throws `invalid-argument`. */
export function parseName(what: "network" | "sandbox" | "endpoint", name: string): string {
  if (namePattern.test(name)) return name;
  throw new PortolanError("invalid-argument", `"${name}" cannot be the name of a ${what}`, {
    object: `${what} "${name}"`,
    advice: "give 1 to 128 letters, digits, '_', '.' or '-', of which the first is a letter or digit",
  });
}

/** A map of texts, as labels and options are; throws `invalid-argument` for an empty key. */
export function parseTexts(what: string, texts: Texts | undefined): Texts {
  for (const key of Object.keys(texts ?? {})) {
    if (key !== "") continue;
    throw new PortolanError("invalid-argument", `a ${what} has no name`, { advice: `give ${what}s as NAME=VALUE` });
  }
  return texts ?? {};
}

/** A pool as it is asked for. */
export interface PoolWish {
  readonly family: Family;
  readonly subnet?: Subnet;
  readonly ipRange?: Subnet;
  readonly gateway?: IpAddress;
  readonly auxAddresses: Readonly<Record<string, IpAddress>>;
}

function outside(what: string, address: string, subnet: Subnet): PortolanError {
  return new PortolanError("address-outside", `the ${what} ${address} lies outside the subnet ${subnet}`, {
    object: `subnet ${subnet}`,
    advice: `give one of the subnet's addresses`,
  });
}

function insideOf(what: string, text: string, subnet: Subnet): IpAddress {
  const address = parseIp(text);
  if (!contains(subnet, address)) throw outside(what, address, subnet);
  return address;
}

/** A pool with its subnet; throws `invalid-argument`, `address-outside`. */
export function parsePool({ subnet: text, ipRange, gateway, auxAddresses = {} }: IpamPoolSpec): PoolWish {
  if (text === undefined) {
    if (ipRange === undefined && gateway === undefined && Object.keys(auxAddresses).length === 0) {
      return { family: 4, auxAddresses: {} };
    }
    throw new PortolanError("invalid-argument", "an ip-range, gateway or auxiliary address needs its subnet", {
      advice: "give the subnet too (--subnet)",
    });
  }
  const subnet = parseSubnet(text);
  const range = ipRange === undefined ? undefined : parseSubnet(ipRange);
  if (
    range !== undefined &&
    !(contains(subnet, parseIp(range.slice(0, range.indexOf("/")))) && lengthOf(range) >= lengthOf(subnet))
  ) {
    throw outside("ip-range", range, subnet);
  }
  const auxiliary = Object.entries(auxAddresses).map(
    ([name, address]) => [name, insideOf("auxiliary address", address, subnet)] as const,
  );
  return {
    family: cidrFamily(subnet),
    subnet,
    ...(range !== undefined && { ipRange: range }),
    ...(gateway !== undefined && { gateway: insideOf("gateway", gateway, subnet) }),
    auxAddresses: Object.fromEntries(auxiliary),
  };
}

/** The engine's default address for published ports; undefined for 0.0.0.0, which is all of them. Throws `invalid-argument`. */
export function parsePublishAddress(text: string): IpAddress | undefined {
  const address = parseIp(text);
  if (address === "0.0.0.0") return undefined;
  if (isAssignable(address)) return address;
  throw new PortolanError("invalid-argument", `no port can be published on ${address}`, {
    object: "default address for published ports",
    advice: "give an address of the host, 127.0.0.1 for instance, or 0.0.0.0 for all",
  });
}

/** An endpoint as it is asked for. */
export interface EndpointWish {
  readonly name?: string;
  readonly ipv4?: IpAddress;
  readonly ipv6?: IpAddress;
  /** Whether addresses may be asked for in subnets that the engine chose. */
  readonly anySubnet?: boolean;
  readonly mac?: MacAddress;
  readonly linkLocal: readonly InterfaceAddress[];
  readonly aliases: readonly string[];
  readonly publish: readonly PortWish[];
  readonly options: Texts;
  readonly labels: Texts;
}

function ofFamily(text: string, family: Family): IpAddress {
  const address = parseIp(text);
  if (familyOf(address) === family) return address;
  throw new PortolanError("invalid-argument", `${address} is not an IPv${family} address`, {
    advice: family === 4 ? "give IPv6 addresses by ipv6 (--ip6)" : "give IPv4 addresses by ipv4 (--ip)",
  });
}

/** Checks an endpoint's specification; throws `invalid-argument`. */
export function parseEndpoint(spec: EndpointSpec): EndpointWish {
  const { name, ipv4, ipv6, mac, linkLocal = [], aliases = [], publish = [], options, labels } = spec;
  return {
    ...(name !== undefined && { name: parseName("endpoint", name) }),
    ...(ipv4 !== undefined && { ipv4: ofFamily(ipv4, 4) }),
    ...(ipv6 !== undefined && { ipv6: ofFamily(ipv6, 6) }),
    ...(mac !== undefined && { mac: parseMac(mac) }),
    linkLocal: [...new Set(linkLocal.map(parseLinkLocal))],
    aliases: [...new Set(aliases)],
    publish: publish.map(parsePort),
    options: parseTexts("option", options),
    labels: parseTexts("label", labels),
  };
}

/** How an endpoint is to be joined. */
export interface JoinWish {
  readonly interfaceName?: string;
  readonly gatewayPriority: number;
  readonly routes: readonly StaticRoute[];
}

/** Checks how an endpoint is to be joined; throws `invalid-argument`. */
export function parseJoin({ interfaceName, gatewayPriority = 0, routes = [] }: JoinSpec): JoinWish {
  if (!Number.isSafeInteger(gatewayPriority)) {
    throw new PortolanError("invalid-argument", `${gatewayPriority} cannot be a gateway priority`, {
      advice: "give a whole number; the highest wins the default route",
    });
  }
  return { ...(interfaceName !== undefined && { interfaceName }), gatewayPriority, routes: routes.map(parseRoute) };
}
