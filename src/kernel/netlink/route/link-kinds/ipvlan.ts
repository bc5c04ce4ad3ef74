/** IPVLAN links (linux/if_link.h, IFLA_IPVLAN_*): addresses of their own on another link, whose MAC address they share. */
import type { LinkKindCodec } from "./kind.ts";

const attribute = {
  /** IFLA_IPVLAN_MODE */ mode: 1,
  /** IFLA_IPVLAN_FLAGS */ flags: 2,
} as const;

/** IPVLAN_MODE_*, by value. */
const modes = ["l2", "l3", "l3s"] as const;
/** Whether the link switches, routes, or routes with connection tracking. */
export type IpvlanMode = (typeof modes)[number];

/** No flag, IPVLAN_F_PRIVATE, IPVLAN_F_VEPA, by value. */
const flags = ["bridge", "private", "vepa"] as const;
/** Who reaches whom: each other, nobody, by the switch outside. */
export type IpvlanFlag = (typeof flags)[number];

/** An IPVLAN link. Mode and flag are those of all links on the same one. */
export interface IpvlanData {
  readonly kind: "ipvlan";
  readonly mode?: IpvlanMode | undefined;
  readonly flag?: IpvlanFlag | undefined;
}

export const ipvlan: LinkKindCodec<IpvlanData> = {
  encode(writer, { mode, flag }) {
    if (mode !== undefined) writer.u16(attribute.mode, modes.indexOf(mode));
    if (flag !== undefined) writer.u16(attribute.flags, flags.indexOf(flag));
  },
  decode(attributes) {
    const [mode, flag] = [attributes.get(attribute.mode)?.u16(), attributes.get(attribute.flags)?.u16()];
    return {
      kind: "ipvlan",
      mode: mode === undefined ? undefined : modes[mode],
      flag: flag === undefined ? undefined : flags[flag],
    };
  },
};
