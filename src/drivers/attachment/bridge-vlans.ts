/** What a bridge's port is told of VLANs, and what the host has in the port's own. */
import type { BridgeVlan, KernelObject } from "../../state/objects.ts";
import type { BridgedInterface } from "../../store/attachment.ts";

const namespace = "host";

/** A bridge of ours keeps VLANs apart as long as a container has one; the port is told which it is in. */
export function describeVlans({ vlans, own, bridge, hostEnd }: BridgedInterface): readonly KernelObject[] {
  if (vlans === undefined) return [];
  const { native, tagged, without } = vlans;
  const port = (id: number, more: Partial<BridgeVlan>): BridgeVlan => ({
    kind: "bridge-vlan",
    namespace,
    link: hostEnd.name,
    id,
    untagged: false,
    pvid: false,
    ...more,
  });
  return [
    ...(own === undefined
      ? []
      : [
          {
            kind: "link-setting",
            namespace,
            link: bridge,
            setting: "vlan-filtering",
            value: "on",
            original: "off",
          } as const,
        ]),
    ...(without === undefined ? [] : [port(without, { member: false })]),
    ...(native === undefined ? [] : [port(native, { untagged: true, pvid: true })]),
    ...tagged.map(([first, last]) => port(first, first === last ? {} : { last })),
  ];
}

/** The host's own link in the port's VLAN, and the bridge itself as a member of it. */
export function describeGatewayLink({ gatewayLink, bridge }: BridgedInterface): readonly KernelObject[] {
  const own = gatewayLink?.own;
  if (own === undefined) return [];
  return [own, { kind: "bridge-vlan", namespace, link: bridge, self: true, id: own.id, untagged: false, pvid: false }];
}
