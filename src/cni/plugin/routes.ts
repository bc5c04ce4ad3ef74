/** Addresses and routes of IPAM's result, as the engine describes them. */
import {
  addressOf,
  cidrFamily,
  type InterfaceAddress,
  interfaceAddress,
  lengthOf,
  parseInterfaceAddress,
  parseSubnet,
  rangeOf,
  subnetOf,
} from "../../address/cidr.ts";
import { type Family, type IpAddress, numberToIp, parseIp } from "../../address/ip.ts";
import type { AttachmentRoute } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { ResultIp, ResultRoute } from "../protocol/result.ts";

export const addressesOf = (ips: readonly ResultIp[]): readonly InterfaceAddress[] =>
  ips.map(({ address }) => parseInterfaceAddress(address));

/** The first address of an address's subnet: the gateway of those that were given none. */
export function firstAddress(address: InterfaceAddress): InterfaceAddress {
  const length = lengthOf(address);
  const first = rangeOf(subnetOf(addressOf(address), length)).first + 1n;
  return interfaceAddress(numberToIp(first, cidrFamily(address)), length);
}

/** The gateway of a family. */
export function gatewayOf(ips: readonly ResultIp[], family: Family): IpAddress | undefined {
  const text = ips.find(
    ({ address, gateway }) => gateway !== undefined && address.includes(":") === (family === 6),
  )?.gateway;
  return text === undefined ? undefined : parseIp(text);
}

const everywhere = { 4: "0.0.0.0/0", 6: "::/0" } as const;

/** The default route of a family. */
export const defaultRoute = (family: Family, gateway: IpAddress): ResultRoute => ({
  dst: everywhere[family],
  gw: gateway,
});

export const isDefault = ({ dst }: ResultRoute): boolean => dst === everywhere[4] || dst === everywhere[6];

/** Scopes by their numbers (linux/rtnetlink.h). */
const scopes: Readonly<Record<number, AttachmentRoute["scope"]>> = { 0: "universe", 253: "link", 254: "host" };

/** Routes with the gateways that they leave to the plugin. */
export const routesOf = (routes: readonly ResultRoute[], ips: readonly ResultIp[]): readonly AttachmentRoute[] =>
  routes.map(({ dst, gw, mtu, advmss, priority, table, scope }) => {
    const destination = parseSubnet(dst);
    const own = scope === undefined || scope === 0 ? gatewayOf(ips, cidrFamily(destination)) : undefined;
    const gateway = gw === undefined ? own : parseIp(gw);
    const named = scope === undefined ? undefined : scopes[scope];
    if (scope !== undefined && named === undefined) {
      throw new CniError(cniCode.badConfiguration, `a route cannot have the scope ${scope}`, dst);
    }
    return {
      destination,
      ...(gateway !== undefined && { gateway }),
      ...(mtu !== undefined && { mtu }),
      ...(advmss !== undefined && { advertisedMss: advmss }),
      ...(priority !== undefined && { metric: priority }),
      ...(table !== undefined && { table }),
      ...(named !== undefined && { scope: named }),
    };
  });
