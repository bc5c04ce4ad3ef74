/** Settings of a link as the port of a bridge (linux/if_link.h, IFLA_BRPORT_*). */
import type { Attributes, AttributeWriter } from "../../attribute.ts";

const attribute = {
  /** IFLA_BRPORT_MODE */ hairpin: 4,
  /** IFLA_BRPORT_LEARNING */ learning: 8,
  /** IFLA_BRPORT_UNICAST_FLOOD */ unicastFlood: 9,
  /** IFLA_BRPORT_NEIGH_SUPPRESS */ neighbourSuppression: 32,
  /** IFLA_BRPORT_ISOLATED */ isolated: 33,
} as const;

type Setting = keyof typeof attribute;
const settings = Object.keys(attribute) as Setting[]; // The object literal above has no other keys.

/** Settings of a bridge port; absent ones stay as they are. */
export interface BridgePort {
  /** A frame may leave by the port it came in. */
  readonly hairpin?: boolean | undefined;
  /** Source addresses seen on the port become FDB entries. */
  readonly learning?: boolean | undefined;
  /** Unicast frames to an address without FDB entry leave by this port too. */
  readonly unicastFlood?: boolean | undefined;
  /** The bridge answers ARP and ND for neighbours it knows. */
  readonly neighbourSuppression?: boolean | undefined;
  /** No frames to other isolated ports. */
  readonly isolated?: boolean | undefined;
}

/** Adds the port's attributes. */
export function encodeBridgePort(writer: AttributeWriter, port: BridgePort): void {
  for (const setting of settings) {
    const value = port[setting];
    if (value !== undefined) writer.u8(attribute[setting], Number(value));
  }
}

/** Reads the port's attributes. */
export function decodeBridgePort(attributes: Attributes): BridgePort {
  const read = (setting: Setting): boolean | undefined => {
    const value = attributes.get(attribute[setting]);
    return value && value.u8() !== 0;
  };
  return {
    hairpin: read("hairpin"),
    learning: read("learning"),
    unicastFlood: read("unicastFlood"),
    neighbourSuppression: read("neighbourSuppression"),
    isolated: read("isolated"),
  };
}
