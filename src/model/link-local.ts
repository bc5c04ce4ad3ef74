/** Link-local addresses of endpoints: what they must not contradict. */
import { cidrFamily, type InterfaceAddress } from "../address/cidr.ts";
import { PortolanError } from "../errors.ts";
import type { NetworkRecord } from "../store/records.ts";
import type { Context } from "./context.ts";

/** Throws `forbidden` where the network has none of that family, `address-in-use` where another endpoint of it has the address. */
export function checkLinkLocal(context: Context, network: NetworkRecord, wanted: readonly InterfaceAddress[]): void {
  const object = `network "${network.name}"`;
  for (const address of wanted) {
    const family = cidrFamily(address);
    if (!(family === 4 ? network.enableIpv4 : network.enableIpv6)) {
      throw new PortolanError("forbidden", `an endpoint of ${network.name} cannot have the address ${address}`, {
        object,
        reason: `the network has no IPv${family}`,
        advice: "leave it out, or choose a network that has",
      });
    }
    const holder = context.records.linkLocalHolder(network.id, address);
    if (holder === undefined) continue;
    throw new PortolanError("address-in-use", `the address ${address} is in use`, {
      object,
      reason: `endpoint "${holder.name}" has it`,
      advice: "give another address",
    });
  }
}
