/** Bridge devices (linux/if_link.h, IFLA_BR_*). */
import type { LinkKindCodec } from "./kind.ts";

const attribute = {
  /** IFLA_BR_FORWARD_DELAY */ forwardDelay: 1,
  /** IFLA_BR_AGEING_TIME */ ageingTime: 4,
  /** IFLA_BR_STP_STATE */ spanningTree: 5,
  /** IFLA_BR_VLAN_FILTERING */ vlanFiltering: 7,
  /** IFLA_BR_MCAST_SNOOPING */ multicastSnooping: 23,
  /** IFLA_BR_NF_CALL_IPTABLES */ ipv4Filtering: 36,
  /** IFLA_BR_NF_CALL_IP6TABLES */ ipv6Filtering: 37,
  /** IFLA_BR_VLAN_DEFAULT_PVID */ defaultVlan: 39,
} as const;

/**
 * Settings of a bridge; absent ones are the kernel's defaults. A kernel without CONFIG_BRIDGE_VLAN_FILTERING refuses `vlanFiltering` with
 * EOPNOTSUPP, even false, and passes over `defaultVlan`.
 */
export interface BridgeData {
  readonly kind: "bridge";
  /** Time a port waits in each of the listening and learning states, in hundredths of a second. */
  readonly forwardDelay?: number | undefined;
  /** Time after which a learned FDB entry is forgotten, in hundredths of a second. */
  readonly ageingTime?: number | undefined;
  /** Spanning tree protocol. */
  readonly spanningTree?: boolean | undefined;
  readonly vlanFiltering?: boolean | undefined;
  /** Learn from IGMP and MLD which ports want which multicast groups. */
  readonly multicastSnooping?: boolean | undefined;
  /** The IPv4 firewall sees what passes between ports (br_netfilter), also where the sysctl of all bridges is off. */
  readonly ipv4Filtering?: boolean | undefined;
  /** The same of IPv6. */
  readonly ipv6Filtering?: boolean | undefined;
  /** VLAN that a new port is an untagged member of; 0 for none. */
  readonly defaultVlan?: number | undefined;
}

export const bridge: LinkKindCodec<BridgeData> = {
  encode(writer, data) {
    if (data.forwardDelay !== undefined) writer.u32(attribute.forwardDelay, data.forwardDelay);
    if (data.ageingTime !== undefined) writer.u32(attribute.ageingTime, data.ageingTime);
    if (data.spanningTree !== undefined) writer.u32(attribute.spanningTree, Number(data.spanningTree));
    if (data.vlanFiltering !== undefined) writer.u8(attribute.vlanFiltering, Number(data.vlanFiltering));
    if (data.multicastSnooping !== undefined) writer.u8(attribute.multicastSnooping, Number(data.multicastSnooping));
    if (data.ipv4Filtering !== undefined) writer.u8(attribute.ipv4Filtering, Number(data.ipv4Filtering));
    if (data.ipv6Filtering !== undefined) writer.u8(attribute.ipv6Filtering, Number(data.ipv6Filtering));
    if (data.defaultVlan !== undefined) writer.u16(attribute.defaultVlan, data.defaultVlan);
  },
  decode(attributes) {
    const spanningTree = attributes.get(attribute.spanningTree);
    const vlanFiltering = attributes.get(attribute.vlanFiltering);
    const multicastSnooping = attributes.get(attribute.multicastSnooping);
    const ipv4Filtering = attributes.get(attribute.ipv4Filtering);
    const ipv6Filtering = attributes.get(attribute.ipv6Filtering);
    return {
      kind: "bridge",
      forwardDelay: attributes.get(attribute.forwardDelay)?.u32(),
      ageingTime: attributes.get(attribute.ageingTime)?.u32(),
      spanningTree: spanningTree && spanningTree.u32() !== 0,
      vlanFiltering: vlanFiltering && vlanFiltering.u8() !== 0,
      multicastSnooping: multicastSnooping && multicastSnooping.u8() !== 0,
      ipv4Filtering: ipv4Filtering && ipv4Filtering.u8() !== 0,
      ipv6Filtering: ipv6Filtering && ipv6Filtering.u8() !== 0,
      defaultVlan: attributes.get(attribute.defaultVlan)?.u16(),
    };
  },
};
