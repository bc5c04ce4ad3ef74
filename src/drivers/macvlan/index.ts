/** The `macvlan` driver: an endpoint is an interface with a MAC address of its own on a link of the host, and so a neighbour of whoever is on that link. */
import { localMac } from "../../address/mac.ts";
import { PortolanError } from "../../errors.ts";
import type { MacvlanLink, MacvlanMode } from "../../state/objects.ts";
import type { NetworkRecord } from "../../store/records.ts";
import type { Driver } from "../driver.ts";
import { endpointOptions, readEndpointOptions } from "../endpoint-options.ts";
import { checkInterfaceSysctls, describeInterface } from "../interface.ts";
import { readOneOf, readOptions } from "../options.ts";
import { chooseParent, describeParent, parentFeatures, sharing } from "../parent.ts";
import { gatewaysOf, type ParentedConfig, parentedConfig, parentedOptions, placeInside } from "../parented.ts";

/** What a macvlan network's record keeps in `config`. A type, not an interface, so that it is a Json value. */
type MacvlanConfig = ParentedConfig & { readonly mode: MacvlanMode };

const networkOptions = {
  ...parentedOptions,
  macvlan_mode: readOneOf(["bridge", "private", "vepa", "passthru"]),
} as const;

/** The configuration of a macvlan network. */
const configOf = ({ config }: NetworkRecord): MacvlanConfig => config as unknown as MacvlanConfig; // configure made it

export const macvlan: Driver = {
  name: "macvlan",
  scope: "local",
  singleton: false,
  addressed: true,
  networkOptions: Object.keys(networkOptions),
  endpointOptions: Object.keys(endpointOptions),
  requires: ({ enableIpv6, options }) => [
    "macvlan",
    ...parentFeatures(options["parent"]),
    ...(enableIpv6 ? (["ipv6"] as const) : []),
  ],
  standsOn: ({ options }) => options["parent"],
  configure(request, context) {
    const options = readOptions("macvlan", "network", networkOptions, request.options);
    const mode = options.macvlan_mode ?? "bridge";
    const parent = chooseParent(request, options.parent, "parent", context);
    const alone = sharing(parent.parent, context).find(
      (other) => mode === "passthru" || configOf(other).mode === "passthru",
    );
    if (alone !== undefined) {
      throw new PortolanError("in-use", `${parent.parent} is the parent of network ${alone.name}`, {
        object: `network "${request.name}"`,
        reason: "an interface in mode passthru has its parent to itself",
        advice: "give another parent, or another mode to both networks",
      });
    }
    return { ...parentedConfig(options, parent), mode } satisfies MacvlanConfig;
  },
  describeNetwork: (network) => describeParent(configOf(network)),
  readEndpoint(network, endpoint) {
    const settings = readEndpointOptions("macvlan", endpoint.options);
    checkInterfaceSysctls(network, settings.sysctls);
    return settings;
  },
  duplicatesOn: () => undefined,
  chooseMac: localMac,
  interfacePrefix: (network) => configOf(network).interfacePrefix,
  describeJoin(network, endpoint, place) {
    const { namespace, name } = placeInside(network, endpoint, place);
    const config = configOf(network);
    const link: MacvlanLink = {
      kind: "link",
      namespace,
      type: "macvlan",
      name,
      parent: config.parent,
      mode: config.mode,
      ...(endpoint.mac !== undefined && { mac: endpoint.mac }),
      ...(config.mtu !== undefined && { mtu: config.mtu }),
      up: true,
      ...(!network.enableIpv6 && { addressGeneration: "none" as const }),
    };
    return {
      objects: [link, ...describeInterface(network, endpoint, namespace, name, config)],
      ...gatewaysOf(network, config),
    };
  },
};
