/** MACVLAN links (linux/if_link.h, IFLA_MACVLAN_*): MAC addresses of their own on another link. */
import type { LinkKindCodec } from "./kind.ts";

/** IFLA_MACVLAN_MODE */
const modeAttribute = 1;

/** MACVLAN_MODE_*, the modes that need no list of addresses. */
const modes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;

/** Who reaches whom: nobody, by the switch outside, each other, or one link alone that has the other one to itself. */
export type MacvlanMode = keyof typeof modes;

/** A MACVLAN link; without a mode it is the kernel's default, vepa. */
export interface MacvlanData {
  readonly kind: "macvlan";
  readonly mode?: MacvlanMode | undefined;
}

const modeNames = new Map(Object.entries(modes).map(([name, value]) => [value as number, name as MacvlanMode]));

export const macvlan: LinkKindCodec<MacvlanData> = {
  encode(writer, { mode }) {
    if (mode !== undefined) writer.u32(modeAttribute, modes[mode]);
  },
  decode(attributes) {
    return { kind: "macvlan", mode: modeNames.get(attributes.get(modeAttribute)?.u32() ?? 0) };
  },
};
