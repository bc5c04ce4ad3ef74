/** The type `vlan`: one VLAN's tag on a link of the host, or of the container's own, inside the container. */
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { askedMac } from "./capabilities.ts";
import { interfacePlugin } from "./interface-plugin.ts";
import { standingOn } from "./standing.ts";

/** 802.1Q: 0 and 4095 are reserved. */
const ids = { first: 1, last: 4094 } as const;

export const vlan = interfacePlugin((call) => {
  const [parent, id] = [call.config.text("master") ?? "", call.config.whole("vlanId") ?? 0];
  if (parent === "") {
    throw new CniError(
      cniCode.badConfiguration,
      '"master" field is required. It specifies the host interface name to create the VLAN for.',
    );
  }
  if (id < ids.first || id > ids.last) {
    throw new CniError(
      cniCode.badConfiguration,
      `invalid VLAN ID ${id} (must be between ${ids.first} and ${ids.last} inclusive)`,
    );
  }
  return standingOn(call, parent, askedMac(call), (common) => ({ kind: "tagged", ...common, id }));
});
