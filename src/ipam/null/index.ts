/** The `null` IPAM driver: no pools and no addresses, for networks whose endpoints have none. */
import { PortolanError } from "../../errors.ts";
import type { IpamDriver } from "../ipam.ts";

/** Makes the driver. */
export function createNullIpam(): IpamDriver {
  return {
    name: "null",
    async requestPool({ subnet }) {
      if (subnet === undefined) return undefined;
      throw new PortolanError("invalid-argument", `the null IPAM driver gives out no subnets, so not ${subnet}`, {
        object: `subnet ${subnet}`,
        advice: "leave the subnet out, or use the default IPAM driver",
      });
    },
    async releasePool() {},
    async requestAddress() {
      throw new PortolanError("pool-exhausted", "the null IPAM driver gives out no addresses", {
        advice: "use the default IPAM driver",
      });
    },
    async releaseAddress() {},
    restore() {},
  };
}
