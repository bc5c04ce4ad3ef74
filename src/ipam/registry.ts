/** The IPAM drivers there are: a line each. */
import { createDefaultIpam } from "./default/index.ts";
import type { IpamDriver, IpamSettings } from "./ipam.ts";
import { createNullIpam } from "./null/index.ts";

/** Makes every IPAM driver, by name. */
export function createIpamDrivers(settings: IpamSettings): ReadonlyMap<string, IpamDriver> {
  return new Map([createDefaultIpam(settings), createNullIpam()].map((driver) => [driver.name, driver]));
}
