/**
 * What a kernel can do, as named values, each asked once by trying it in a throw-away namespace: yes, no, or could not tell.
 */
export const features = {
  bridge: { option: "CONFIG_BRIDGE", meaning: "Ethernet bridges" },
  veth: { option: "CONFIG_VETH", meaning: "virtual Ethernet pairs" },
  "nft-maps": { option: "CONFIG_NF_TABLES", meaning: "nftables with concatenated interval maps" },
  "nft-nat": { option: "CONFIG_NFT_NAT", meaning: "address translation in nftables" },
  "nft-masquerade": { option: "CONFIG_NFT_MASQ", meaning: "masquerading in nftables" },
  "nft-fib": { option: "CONFIG_NFT_FIB_INET", meaning: "route look-ups in nftables" },
  "nft-bridge": {
    option: "CONFIG_NF_TABLES_BRIDGE and CONFIG_NFT_BRIDGE_META",
    meaning: "nftables on the ports of bridges",
  },
  "nft-numgen": { option: "CONFIG_NFT_NUMGEN", meaning: "number generators in nftables" },
  "policy-rules": {
    option: "CONFIG_IP_MULTIPLE_TABLES and CONFIG_IPV6_MULTIPLE_TABLES",
    meaning: "policy routing",
  },
  ipv6: { option: "CONFIG_IPV6", meaning: "IPv6" },
  vxlan: { option: "CONFIG_VXLAN", meaning: "VXLAN tunnels" },
  macvlan: { option: "CONFIG_MACVLAN", meaning: "macvlan links" },
  ipvlan: { option: "CONFIG_IPVLAN", meaning: "ipvlan links" },
  "bridge-vlan": { option: "CONFIG_BRIDGE_VLAN_FILTERING", meaning: "bridges that keep VLANs apart" },
  vlan: { option: "CONFIG_VLAN_8021Q", meaning: "802.1Q VLAN links" },
  dummy: { option: "CONFIG_DUMMY", meaning: "dummy links" },
  vrf: { option: "CONFIG_NET_VRF", meaning: "VRF links" },
  ifb: { option: "CONFIG_IFB", meaning: "intermediate functional block links" },
  wireguard: { option: "CONFIG_WIREGUARD", meaning: "WireGuard links" },
  xfrm: { option: "CONFIG_XFRM_USER", meaning: "IPsec policy and state" },
  esp: { option: "CONFIG_INET_ESP", meaning: "ESP with rfc4106(gcm(aes))" },
  ipvs: { option: "CONFIG_IP_VS", meaning: "IP virtual server" },
  tbf: { option: "CONFIG_NET_SCH_TBF", meaning: "token bucket filter" },
  netem: { option: "CONFIG_NET_SCH_NETEM", meaning: "network emulator" },
  sctp: { option: "CONFIG_IP_SCTP", meaning: "SCTP" },
} as const satisfies Record<string, { readonly option: string; readonly meaning: string }>;

export type FeatureName = keyof typeof features;
export type FeatureAnswer =
  | { readonly state: "yes" }
  | { readonly state: "no"; readonly reason: string }
  | { readonly state: "unknown"; readonly reason: string };
export type FeatureReport = Readonly<Record<FeatureName, FeatureAnswer>>;
