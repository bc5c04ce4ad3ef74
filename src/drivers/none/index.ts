/** The `none` driver: a sandbox joined to its network has its loopback link and nothing else. */
import type { Driver } from "../driver.ts";
import { refuseOptions } from "../options.ts";

export const none: Driver = {
  name: "none",
  scope: "local",
  singleton: true,
  addressed: false,
  networkOptions: [],
  endpointOptions: [],
  requires: () => [],
  configure(request) {
    refuseOptions("none", "network", request.options);
    return {};
  },
  describeNetwork: () => [],
  readEndpoint(_network, endpoint) {
    refuseOptions("none", "endpoint", endpoint.options);
    return {};
  },
  duplicatesOn: () => undefined,
  chooseMac: () => undefined,
  interfacePrefix: () => "",
  describeJoin: () => ({ objects: [] }),
};
