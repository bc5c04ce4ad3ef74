/** Duplicate address detection, for networks that ask for it: whether somebody in the network has an endpoint's addresses already, who is none of the engine's. */
import { addressOf } from "../address/cidr.ts";
import { PortolanError } from "../errors.ts";
import type { EndpointRecord, NetworkRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import { driverOf } from "./related.ts";

/** Throws `address-in-use` where somebody answers for an address of the endpoint. Takes 300 ms where the network asks for it, else nothing. */
export async function checkDuplicates(
  context: Context,
  network: NetworkRecord,
  { name, ipv4, ipv6, linkLocal = [] }: EndpointRecord,
): Promise<void> {
  const where = driverOf(context, network).duplicatesOn(network);
  if (where === undefined) return;
  const addresses = [ipv4, ipv6, ...linkLocal].flatMap((cidr) => (cidr === undefined ? [] : [addressOf(cidr)]));
  const claim = await context.engine.findClaim(where.namespace, where.link, addresses);
  if (claim === undefined) return;
  throw new PortolanError("address-in-use", `the address ${claim.address} is in use on the link`, {
    object: `endpoint "${name}" of network "${network.name}"`,
    reason: `${claim.mac} answers for it`,
    advice: "give another address (--ip, --ip6), keep that one out of the network (--aux-address), or stop who has it",
  });
}
