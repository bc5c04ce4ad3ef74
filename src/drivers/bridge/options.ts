/** Options of bridge networks, by libnetwork's keys. */
import { readBoolean, readLinkName, readLinkPrefix, readMtu } from "../options.ts";

/** Network options; an option that is to be understood is a line here and a member of {@link BridgeConfig}. */
export const networkOptions = {
  "com.docker.network.bridge.name": readLinkName,
  "com.docker.network.bridge.enable_ip_masquerade": readBoolean,
  "com.docker.network.driver.mtu": readMtu,
  "com.docker.network.container_iface_prefix": readLinkPrefix,
} as const;
