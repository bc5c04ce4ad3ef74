/** The type `sbr`, source based routing: what leaves from the interface's addresses goes by a table of its own. */
import { cidrFamily, parseInterfaceAddress } from "../../address/cidr.ts";
import { parseIp } from "../../address/ip.ts";
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { SourceRoutes } from "../../store/attachment.ts";
import { requireAttachment, requirePrevious } from "./checking.ts";
import { collect, leave } from "./interface-plugin.ts";
import type { Plugin } from "./plugin.ts";
import { containerIps } from "./previous.ts";
import { gatewayOf, isDefault, routesOf } from "./routes.ts";

/** The first table that is given out, as in the reference plugin. */
const firstTable = 100;

/** Tables that other attachments of the container have. */
const taken = ({ company }: AttachmentScene): ReadonlySet<number> =>
  new Set(
    company
      .flatMap(({ attachment }) => attachment?.parts ?? [])
      .flatMap(({ made }) => (made.kind === "sourced" ? made.ways.map(({ table }) => table) : [])),
  );

export const sbr: Plugin = {
  async add(call) {
    const previous = requirePrevious(call);
    const { config, key, namespace, type, attachments } = call;
    const ips = containerIps(previous, key.interfaceName);
    const named = config.texts("gateways").map(parseIp);
    await attachments.attach(key, namespace, async (scene) => {
      const used = new Set(taken(scene));
      const ways = ips.map(({ address }): SourceRoutes["ways"][number] => {
        const own = parseInterfaceAddress(address);
        const family = cidrFamily(own);
        let table = config.whole("table") ?? firstTable;
        while (used.has(table)) table++;
        used.add(table);
        const gateway = named.find((one) => one.includes(":") === (family === 6)) ?? gatewayOf(ips, family);
        const routes = previous.routes.filter(
          (route) => !isDefault(route) && route.dst.includes(":") === (family === 6),
        );
        return { address: own, ...(gateway !== undefined && { gateway }), table, routes: routesOf(routes, ips) };
      });
      return { part: { plugin: type, made: { kind: "sourced", ways } } };
    });
    return previous;
  },
  async check(call) {
    requirePrevious(call);
    requireAttachment(call);
  },
  del: leave,
  gc: collect,
};
