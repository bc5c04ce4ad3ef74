/** Static routes as values: how they are written, and what they mean. */
import { PortolanError } from "../errors.ts";
import { cidrFamily, lengthOf, parseSubnet, type Subnet } from "./cidr.ts";
import { familyOf, type IpAddress, parseIp } from "./ip.ts";

/** A route of a sandbox that comes and goes with an endpoint. */
export interface StaticRoute {
  readonly destination: Subnet;
  /** Absent: what is there is on the link. */
  readonly gateway?: IpAddress;
}

/** Reads `DESTINATION[=GATEWAY]`, the destination in CIDR notation; throws `invalid-argument`. */
export function parseRoute(text: string): StaticRoute {
  const equals = text.indexOf("=");
  const destination = parseSubnet(equals < 0 ? text : text.slice(0, equals));
  const gateway = equals < 0 ? undefined : parseIp(text.slice(equals + 1));
  const refuse = (reason: string, advice: string) =>
    new PortolanError("invalid-argument", `"${text}" cannot be a static route: ${reason}`, {
      object: `route "${text}"`,
      advice,
    });
  if (lengthOf(destination) === 0) {
    throw refuse("it is the default route", "the network with the highest gateway priority gives it (--gw-priority)");
  }
  if (gateway !== undefined && familyOf(gateway) !== cidrFamily(destination)) {
    throw refuse("destination and gateway are of different families", "give a gateway of the destination's family");
  }
  return { destination, ...(gateway !== undefined && { gateway }) };
}

/** The same in text, as {@link parseRoute} reads it. */
export const routeText = ({ destination, gateway }: StaticRoute): string =>
  gateway === undefined ? destination : `${destination}=${gateway}`;
