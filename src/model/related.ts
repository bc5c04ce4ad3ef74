/** What records refer to. */
import type { Driver } from "../drivers/driver.ts";
import { PortolanError } from "../errors.ts";
import type { EndpointRecord, NetworkRecord } from "../store/records.ts";
import type { Context } from "./context.ts";

/** The driver of a network that is there. */
export function driverOf(context: Context, { name, driver }: NetworkRecord): Driver {
  const found = context.drivers.get(driver);
  if (found !== undefined) return found;
  throw new PortolanError("unknown-driver", `no network driver is called "${driver}"`, { object: `network "${name}"` });
}

/** The network of an endpoint that is there. */
export function networkOf(context: Context, { id, networkId }: EndpointRecord): NetworkRecord {
  const network = context.records.networks.get(networkId);
  if (network === undefined) throw new PortolanError("internal", `endpoint ${id} has no network`);
  return network;
}
