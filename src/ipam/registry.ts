/** The IPAM drivers there are: a line each. */
import { createDefaultIpam } from "./default/index.ts";
import type { IpamDriver } from "./ipam.ts";
import { createNullIpam } from "./null/index.ts";

export interface IpamSettings {
  /** Five random bytes, the host's own for ever: the global id of its unique local prefix (RFC 4193 §3.2.2). */
  readonly globalId: Uint8Array;
}

/** Makes every IPAM driver, by name. */
export function createIpamDrivers(settings: IpamSettings): ReadonlyMap<string, IpamDriver> {
  return new Map([createDefaultIpam(settings), createNullIpam()].map((driver) => [driver.name, driver]));
}
