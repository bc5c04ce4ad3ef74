/** The type `ptp`: a veth pair between the host itself and the container. */
import { addressOf, parseInterfaceAddress } from "../../address/cidr.ts";
import { parseIp } from "../../address/ip.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { askedMac } from "./capabilities.ts";
import { interfacePlugin, type Making } from "./interface-plugin.ts";
import { hasIpam } from "./ipam.ts";
import { addressesOf, firstAddress, routesOf } from "./routes.ts";

const defaultMtu = 1500;

export const ptp = interfacePlugin((call) => {
  const { config, attachments } = call;
  const [masquerade, mtu, mac] = [config.flag("ipMasq"), config.whole("mtu") || undefined, askedMac(call)];
  if (!hasIpam(call)) throw new CniError(cniCode.badConfiguration, "ptp needs ipam");
  return async (_scene, ipam): Promise<Making> => {
    const ips = ipam.ips.map((ip) => ({
      ...ip,
      gateway: ip.gateway ?? addressOf(firstAddress(parseInterfaceAddress(ip.address))),
    }));
    const hostEnd = { name: attachments.newLinkName("veth"), mac: attachments.newMac() };
    return {
      made: {
        kind: "routed",
        hostEnd,
        gateways: [...new Set(ips.map(({ gateway }) => parseIp(gateway)))],
        masquerade,
        mac: mac ?? attachments.newMac(),
        ...(mtu !== undefined && { mtu }),
        addresses: addressesOf(ips),
        routes: routesOf(ipam.routes, ips),
      },
      onHost: [{ ...hostEnd, mtu: mtu ?? defaultMtu }],
      mtu: mtu ?? defaultMtu,
      ips,
      routes: ipam.routes,
    };
  };
});
