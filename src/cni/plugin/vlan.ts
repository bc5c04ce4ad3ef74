/** The type `vlan`: one VLAN's tag on a link of the host, inside the container. */
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { askedMac } from "./capabilities.ts";
import { interfacePlugin, type Making } from "./interface-plugin.ts";
import { hostMtu } from "./parented.ts";
import { addressesOf, routesOf } from "./routes.ts";

/** 802.1Q: 0 and 4095 are reserved. */
const ids = { first: 1, last: 4094 } as const;

export const vlan = interfacePlugin((call) => {
  const { config } = call;
  const [parent, id, wanted, mac] = [
    config.text("master") ?? "",
    config.whole("vlanId") ?? 0,
    config.whole("mtu") ?? 0,
    askedMac(call),
  ];
  if (parent === "")
    throw new CniError(
      cniCode.badConfiguration,
      '"master" field is required. It specifies the host interface name to create the VLAN for.',
    );
  if (id < ids.first || id > ids.last) {
    throw new CniError(
      cniCode.badConfiguration,
      `invalid VLAN ID ${id} (must be between ${ids.first} and ${ids.last} inclusive)`,
    );
  }
  if (config.flag("linkInContainer"))
    throw new CniError(cniCode.unsupportedField, 'unsupported field "linkInContainer": true');
  return async (scene, ipam): Promise<Making> => {
    const most = await hostMtu(scene, parent);
    if (wanted < 0 || wanted > most) {
      throw new CniError(cniCode.badConfiguration, `invalid MTU ${wanted}, must be [0, master MTU(${most})]`);
    }
    return {
      made: {
        kind: "tagged",
        parent,
        id,
        ...(mac !== undefined && { mac }),
        ...(wanted > 0 && { mtu: wanted }),
        addresses: addressesOf(ipam.ips),
        routes: routesOf(ipam.routes, ipam.ips),
      },
      onHost: [],
      mtu: wanted || most,
      ips: ipam.ips,
      routes: ipam.routes,
    };
  };
});
