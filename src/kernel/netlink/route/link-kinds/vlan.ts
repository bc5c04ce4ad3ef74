/** 802.1Q links (linux/if_link.h, IFLA_VLAN_*): what has one VLAN's tag on another link. */
import type { LinkKindCodec } from "./kind.ts";

/** IFLA_VLAN_ID */
const idAttribute = 1;

export interface VlanData {
  readonly kind: "vlan";
  /** VLAN identifier, 1 to 4094. */
  readonly id?: number | undefined;
}

export const vlan: LinkKindCodec<VlanData> = {
  encode(writer, { id }) {
    if (id !== undefined) writer.u16(idAttribute, id);
  },
  decode(attributes) {
    return { kind: "vlan", id: attributes.get(idAttribute)?.u16() };
  },
};
