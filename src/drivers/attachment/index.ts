/**
 * The `attachment` driver: networks that a CNI runtime has. What an endpoint is there the plugins of the network's chain decide, call by call (describe.ts); the
 * network itself is nothing of the kernel's. Nobody but a plugin's call makes one.
 */
import { PortolanError } from "../../errors.ts";
import { proxiedPorts } from "../../firewall/proxied.ts";
import type { Driver } from "../driver.ts";
import { refuseOptions } from "../options.ts";

export const attachment: Driver = {
  name: "attachment",
  scope: "local",
  singleton: false,
  addressed: false,
  networkOptions: [],
  endpointOptions: [],
  requires: () => [],
  configure({ name }) {
    throw new PortolanError("forbidden", "networks of this driver come with CNI's plugins", {
      object: `network "${name}"`,
      advice: "have a container runtime execute the plugins (`portolan cni install`), or choose another driver",
    });
  },
  publishing: () => undefined,
  proxied: (_network, endpoint) => proxiedPorts(endpoint),
  describeNetwork: () => [],
  readEndpoint(_network, endpoint) {
    refuseOptions("attachment", "endpoint", endpoint.options);
    return {};
  },
  duplicatesOn: () => undefined,
  chooseMac: () => undefined,
  interfacePrefix: () => "eth",
  describeJoin: () => ({ objects: [] }),
};
