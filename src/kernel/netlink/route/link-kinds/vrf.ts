/** VRF links (linux/if_link.h, IFLA_VRF_*): routing domains. */
import type { LinkKindCodec } from "./kind.ts";

/** IFLA_VRF_TABLE */
const tableAttribute = 1;

/** A VRF link; the kernel makes none without a table. */
export interface VrfData {
  readonly kind: "vrf";
  /** Routing table number. */
  readonly table?: number | undefined;
}

export const vrf: LinkKindCodec<VrfData> = {
  encode(writer, { table }) {
    if (table !== undefined) writer.u32(tableAttribute, table);
  },
  decode(attributes) {
    return { kind: "vrf", table: attributes.get(tableAttribute)?.u32() };
  },
};
