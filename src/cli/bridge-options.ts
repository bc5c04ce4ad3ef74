/** Options of bridge networks as the help of `network create` tells them and completion offers them; a test holds them to the driver's. */

/** What each option is for, by its key. */
export const bridgeOptions = {
  "com.docker.network.bridge.name": "name of the bridge",
  "com.docker.network.bridge.enable_icc": "false: sandboxes reach each other by published ports alone",
  "com.docker.network.bridge.gateway_mode_ipv4": "nat, nat-unprotected, routed or isolated",
  "com.docker.network.bridge.gateway_mode_ipv6": "the same of IPv6",
  "com.docker.network.bridge.enable_ip_masquerade": "false: what leaves keeps its own address",
  "com.docker.network.host_ipv4": "address of the host that what leaves takes",
  "com.docker.network.host_ipv6": "the same of IPv6",
  "com.docker.network.bridge.host_binding_ipv4": "address of the host for published ports that name none",
  "com.docker.network.bridge.trusted_host_interfaces":
    "from where published ports are reached at sandboxes' own addresses, A:B",
  "com.docker.network.bridge.inhibit_ipv4": "true: no IPv4 address on the bridge",
  "com.docker.network.bridge.default_bridge": "true of the predefined network alone",
  "com.docker.network.enable_ipv4": "as --no-ipv4 says",
  "com.docker.network.enable_ipv6": "as --ipv6 says",
  "com.docker.network.driver.mtu": "MTU of bridge and interfaces, bytes",
  "com.docker.network.container_iface_prefix": "prefix of interface names inside",
  "com.docker.network.advertise_addr_nmsgs": "how often the network is told of addresses that join, 0 to 3",
  "com.docker.network.advertise_addr_ms": "from one time to the next, 100 to 2000 ms",
  "portolan.duplicate_address_detection": "true: an endpoint whose address somebody has already is refused",
} as const;
