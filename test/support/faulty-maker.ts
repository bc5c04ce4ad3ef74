/** A maker of endpoints that can be made to fail. */
import { PortolanError } from "../../src/errors.ts";
import type { EndpointMaker, MakersEndpoint } from "../../src/model/endpoint-maker.ts";
import type { Faults } from "./faults.ts";

const refused = ({ network }: MakersEndpoint): PortolanError =>
  new PortolanError("plugin", "the plugin of the test failed", {
    object: `network "${network.name}"`,
    reason: "not today",
  });

/** Wraps a maker: what is made and what is taken away is one change each; one that fails does nothing and throws `plugin`. */
export function createFaultyMaker(maker: EndpointMaker, faults: Faults): EndpointMaker {
  return {
    find: (source, signal) => maker.find(source, signal),
    async make(endpoint, signal) {
      if (faults.meets(`plugin making ${endpoint.interfaceName} in ${endpoint.namespace}`)) throw refused(endpoint);
      return maker.make(endpoint, signal);
    },
    async takeAway(endpoint) {
      if (faults.meets(`taking away of ${endpoint.interfaceName} in ${endpoint.namespace}`)) throw refused(endpoint);
      return maker.takeAway(endpoint);
    },
  };
}

/** The makers of an engine with its state in a directory, wrapped. */
export const faultyMakers = (
  makers: ReadonlyMap<string, EndpointMaker>,
  faults: Faults,
): ReadonlyMap<string, EndpointMaker> =>
  new Map([...makers].map(([driver, maker]) => [driver, createFaultyMaker(maker, faults)]));
