/** The type `host-device`: a link of the host, lent to the container and given back at DEL. */
import { existsSync, readdirSync } from "node:fs";
import type { AttachmentScene } from "../../model/attachment-types.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { PlacedCall } from "./call.ts";
import { askedMac, capability } from "./capabilities.ts";
import { interfacePlugin, type Making } from "./interface-plugin.ts";
import { addressesOf, routesOf } from "./routes.ts";

/** Link of a device that the kernel shows in a directory of sysfs. */
function linkIn(directory: string): string {
  const [name] = existsSync(`${directory}/net`) ? readdirSync(`${directory}/net`) : [];
  if (name !== undefined) return name;
  throw new CniError(cniCode.other, `failed to find host device: there is no network interface in ${directory}/net`);
}

/** How the device is named, one way of several; throws CniError 7 where there is none. */
function namedBy(call: PlacedCall): (scene: AttachmentScene) => Promise<string> {
  const { config } = call;
  const text = (key: string): string => config.text(key) ?? "";
  const bus = capability(call)?.text("deviceID") || text("pciBusID");
  if (text("device") !== "") return async () => text("device");
  if (text("hwaddr") !== "") return (scene) => byMac(scene, text("hwaddr"));
  if (text("kernelpath") !== "") return async () => linkIn(text("kernelpath"));
  if (bus !== "" && !bus.includes("/")) return async () => linkIn(`/sys/bus/pci/devices/${bus}`);
  throw new CniError(
    cniCode.badConfiguration,
    'specify either "device", "hwaddr", "kernelpath", "pciBusID" or the capability deviceID',
  );
}

async function byMac(scene: AttachmentScene, text: string): Promise<string> {
  const wanted = text.toLowerCase().replaceAll("-", ":");
  const found = (await scene.host()).links.find(({ mac }) => mac === wanted);
  if (found !== undefined) return found.name;
  throw new CniError(cniCode.other, `failed to find host device: no link has the MAC address ${text}`);
}

export const hostDevice = interfacePlugin((call) => {
  const find = namedBy(call);
  const mac = askedMac(call);
  if (mac !== undefined)
    throw new CniError(cniCode.unsupportedField, `unsupported field "mac": ${mac}`, "chain tuning");
  return async (scene, ipam): Promise<Making> => {
    const device = await find(scene);
    const link = (await scene.host()).links.find(({ name }) => name === device);
    if (link === undefined) throw new CniError(cniCode.other, `failed to find host device: Link ${device} not found`);
    return {
      made: {
        kind: "lent",
        device,
        ...(link.mac !== undefined && { mac: link.mac }),
        addresses: addressesOf(ipam.ips),
        routes: routesOf(ipam.routes, ipam.ips),
      },
      onHost: [],
      mtu: link.mtu,
      ips: ipam.ips,
      routes: ipam.routes,
    };
  };
});
