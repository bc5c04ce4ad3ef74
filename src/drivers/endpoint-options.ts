/**
 * Options of endpoints that every driver with interfaces of its own understands, by libnetwork's keys. Where libnetwork has values of types of its own, the
 * text here is what its users write elsewhere; lists are parted by commas.
 */
import { type ExposedPort, parseExposedPort } from "../address/exposed-port.ts";
import { type IpAddress, parseIp } from "../address/ip.ts";
import { type MacAddress, parseMac } from "../address/mac.ts";
import { type PortWish, parsePort, portMapOption } from "../address/port.ts";
import { isPortolanError } from "../errors.ts";
import { type InterfaceSysctls, readInterfaceSysctls } from "./interface-sysctls.ts";
import { malformedOption, readLinkName, readOptions } from "./options.ts";

/** What options say of an endpoint; the model knows what each means. Absent: not said. */
export interface EndpointSettings {
  /** Exact name of the interface inside. */
  readonly interfaceName?: string;
  readonly mac?: MacAddress;
  readonly sysctls?: InterfaceSysctls;
  readonly publish?: readonly PortWish[];
  readonly exposed?: readonly ExposedPort[];
  /** Nameservers of this endpoint, in the order in which they are asked. */
  readonly nameservers?: readonly IpAddress[];
}

/** The options and how each is read. */
export const endpointOptions = {
  "com.docker.network.endpoint.ifname": readLinkName,
  "com.docker.network.endpoint.macaddress": read(parseMac),
  "com.docker.network.endpoint.sysctls": readInterfaceSysctls,
  [portMapOption]: readList(parsePort),
  "com.docker.network.endpoint.exposedports": readList(parseExposedPort),
  "com.docker.network.endpoint.dnsservers": readList(parseIp),
} as const;

/** Reads an endpoint's options; throws `invalid-option`. */
export function readEndpointOptions(driver: string, given: Readonly<Record<string, string>>): EndpointSettings {
  const options = readOptions(driver, "endpoint", endpointOptions, given);
  const interfaceName = options["com.docker.network.endpoint.ifname"];
  const mac = options["com.docker.network.endpoint.macaddress"];
  const sysctls = options["com.docker.network.endpoint.sysctls"];
  const publish = options[portMapOption];
  const exposed = options["com.docker.network.endpoint.exposedports"];
  const nameservers = options["com.docker.network.endpoint.dnsservers"];
  return {
    ...(interfaceName !== undefined && { interfaceName }),
    ...(mac !== undefined && { mac }),
    ...(sysctls !== undefined && { sysctls }),
    ...(publish !== undefined && { publish }),
    ...(exposed !== undefined && { exposed }),
    ...(nameservers !== undefined && { nameservers }),
  };
}

/** A reader of what `parse` takes, whose refusal becomes that of the option. */
function read<Value>(parse: (text: string) => Value): (text: string, key: string) => Value {
  return (text, key) => {
    try {
      return parse(text);
    } catch (error) {
      if (!isPortolanError(error)) throw error;
      throw malformedOption(key, text, error.advice ?? error.message);
    }
  };
}

/** A reader of a list; one without anything in it is refused: whoever means nothing leaves the option out. */
function readList<Value>(parse: (text: string) => Value): (text: string, key: string) => readonly Value[] {
  const one = read(parse);
  return (text, key) => text.split(",").map((part) => one(part.trim(), key));
}
