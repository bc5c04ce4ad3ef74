/**
 * The `ipvlan` driver: an endpoint is an interface with addresses of its own on a link of the host, whose MAC address it shares. In mode l2 it is a neighbour of
 * whoever is on that link; in l3 and l3s the host's link routes for it, and there are neither neighbours nor broadcasts.
 */
import { PortolanError } from "../../errors.ts";
import type { IpvlanFlag, IpvlanLink, IpvlanMode } from "../../state/objects.ts";
import type { NetworkRecord } from "../../store/records.ts";
import type { Driver } from "../driver.ts";
import { endpointOptions, readEndpointOptions } from "../endpoint-options.ts";
import { checkInterfaceSysctls, describeInterface } from "../interface.ts";
import { readOneOf, readOptions } from "../options.ts";
import { chooseParent, describeParent, parentFeatures, sharing } from "../parent.ts";
import { gatewaysOf, type ParentedConfig, parentedConfig, parentedOptions, placeInside } from "../parented.ts";

/** What an ipvlan network's record keeps in `config`. A type, not an interface, so that it is a Json value. */
type IpvlanConfig = ParentedConfig & { readonly mode: IpvlanMode; readonly flag: IpvlanFlag };

const networkOptions = {
  ...parentedOptions,
  ipvlan_mode: readOneOf(["l2", "l3", "l3s"]),
  ipvlan_flag: readOneOf(["bridge", "private", "vepa"]),
} as const;

/** The configuration of an ipvlan network. */
const configOf = ({ config }: NetworkRecord): IpvlanConfig => config as unknown as IpvlanConfig; // configure made it

export const ipvlan: Driver = {
  name: "ipvlan",
  scope: "local",
  singleton: false,
  addressed: true,
  networkOptions: Object.keys(networkOptions),
  endpointOptions: Object.keys(endpointOptions),
  requires: ({ enableIpv6, options }) => [
    "ipvlan",
    ...parentFeatures(options["parent"]),
    ...(enableIpv6 ? (["ipv6"] as const) : []),
  ],
  // Where the link routes there is nobody to be a gateway.
  withoutGateway: ({ options }) => (isRouted(options["ipvlan_mode"]) ? [4, 6] : []),
  standsOn: ({ options }) => options["parent"],
  configure(request, context) {
    const options = readOptions("ipvlan", "network", networkOptions, request.options);
    const parent = chooseParent(request, options.parent, "parent", context);
    const [other] = sharing(parent.parent, context);
    if (other !== undefined) {
      throw new PortolanError("in-use", `${parent.parent} is the parent of network ${other.name}`, {
        object: `network "${request.name}"`,
        reason: "all ipvlan links on one parent have one mode and one flag",
        advice: "join that network, or give another parent, such as a VLAN's sub-interface",
      });
    }
    const mode = options.ipvlan_mode ?? "l2";
    const { announce, ...config } = parentedConfig(options, parent);
    return {
      ...config,
      // Nobody asks for neighbours where there are none.
      ...(announce !== undefined && mode === "l2" && { announce }),
      mode,
      flag: options.ipvlan_flag ?? "bridge",
    } satisfies IpvlanConfig;
  },
  describeNetwork: (network) => describeParent(configOf(network)),
  readEndpoint(network, endpoint) {
    const settings = readEndpointOptions("ipvlan", endpoint.options);
    if (endpoint.mac !== undefined || settings.mac !== undefined) {
      throw new PortolanError("forbidden", "an endpoint of an ipvlan network has no MAC address of its own", {
        object: `endpoint of network "${network.name}"`,
        reason: "it shares that of its parent",
        advice: "leave the MAC address out, or use a macvlan network",
      });
    }
    checkInterfaceSysctls(network, settings.sysctls);
    return settings;
  },
  duplicatesOn: () => undefined,
  chooseMac: () => undefined,
  interfacePrefix: (network) => configOf(network).interfacePrefix,
  describeJoin(network, endpoint, place) {
    const { namespace, name } = placeInside(network, endpoint, place);
    const config = configOf(network);
    const link: IpvlanLink = {
      kind: "link",
      namespace,
      type: "ipvlan",
      name,
      parent: config.parent,
      mode: config.mode,
      flag: config.flag,
      ...(config.mtu !== undefined && { mtu: config.mtu }),
      up: true,
      ...(!network.enableIpv6 && { addressGeneration: "none" as const }),
    };
    const ways = isRouted(config.mode)
      ? { ...(!network.internal && config.nowhere === undefined && { defaultByLink: true }) }
      : gatewaysOf(network, config);
    return { objects: [link, ...describeInterface(network, endpoint, namespace, name, config)], ...ways };
  },
};

const isRouted = (mode: string | undefined): boolean => mode === "l3" || mode === "l3s";
