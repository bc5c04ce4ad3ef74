/** The `host` driver: a sandbox joined to its network is the host's own network stack, as it is. */
import { PortolanError } from "../../errors.ts";
import type { Driver } from "../driver.ts";
import { refuseOptions } from "../options.ts";

export const host: Driver = {
  name: "host",
  scope: "local",
  singleton: true,
  addressed: false,
  networkOptions: [],
  endpointOptions: [],
  requires: () => [],
  configure(request) {
    refuseOptions("host", "network", request.options);
    return {};
  },
  describeNetwork: () => [],
  readEndpoint(_network, endpoint) {
    refuseOptions("host", "endpoint", endpoint.options);
    if (endpoint.mac === undefined) return {};
    throw new PortolanError("forbidden", "an endpoint of the host network has no MAC address of its own", {
      object: `endpoint of the host network`,
      advice: "leave the MAC address out",
    });
  },
  duplicatesOn: () => undefined,
  chooseMac: () => undefined,
  interfacePrefix: () => "",
  describeJoin(network, _endpoint, namespace) {
    if (namespace === "host") return { objects: [] };
    throw new PortolanError("forbidden", `only a sandbox on the host's own stack joins network "${network.name}"`, {
      object: `network "${network.name}"`,
      advice: "create the sandbox with the host's stack (--network host), or join a network of another driver",
    });
  },
};
