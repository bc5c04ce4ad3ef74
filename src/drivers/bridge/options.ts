/** Options of bridge networks, by libnetwork's keys. */
import type { IpAddress } from "../../address/ip.ts";
import { gatewayModes } from "../../firewall/gateway-mode.ts";
import {
  familyOptions,
  type ReadOptions,
  readBoolean,
  readHostAddress,
  readLinkName,
  readLinkNames,
  readLinkPrefix,
  readMtu,
  readOneOf,
  readWithin,
} from "../options.ts";

/** Name of the predefined network, and of its link, which libnetwork calls docker0. */
export const predefined = { network: "bridge", link: "portolan0" } as const;

/** Network options; an option that is to be understood is a line here and a member of {@link BridgeConfig}. */
export const networkOptions = {
  "com.docker.network.bridge.name": readLinkName,
  "com.docker.network.bridge.default_bridge": readBoolean,
  "com.docker.network.bridge.enable_icc": readBoolean,
  "com.docker.network.bridge.enable_ip_masquerade": readBoolean,
  "com.docker.network.bridge.gateway_mode_ipv4": readOneOf(gatewayModes),
  "com.docker.network.bridge.gateway_mode_ipv6": readOneOf(gatewayModes),
  "com.docker.network.bridge.host_binding_ipv4": readBinding,
  "com.docker.network.bridge.inhibit_ipv4": readBoolean,
  "com.docker.network.bridge.trusted_host_interfaces": readLinkNames,
  "com.docker.network.container_iface_prefix": readLinkPrefix,
  "com.docker.network.driver.mtu": readMtu,
  [familyOptions[4]]: readBoolean,
  [familyOptions[6]]: readBoolean,
  "com.docker.network.host_ipv4": readHostAddress(4),
  "com.docker.network.host_ipv6": readHostAddress(6),
  "com.docker.network.advertise_addr_nmsgs": readWithin(0, 3),
  "com.docker.network.advertise_addr_ms": readWithin(100, 2000),
  "portolan.duplicate_address_detection": readBoolean,
} as const;

/** The options of a network as they were read. */
export type NetworkOptions = ReadOptions<typeof networkOptions>;

/** Reads the address that ports are published on where they name none; 0.0.0.0 is all of them, and read as undefined. */
function readBinding(text: string, key: string): IpAddress | undefined {
  return text === "0.0.0.0" ? undefined : readHostAddress()(text, key);
}
