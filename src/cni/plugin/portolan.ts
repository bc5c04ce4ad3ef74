/** The type `portolan`: a network of the engine's own, whichever its driver, with names and everything else that its containers have. */
import { type PublishedPort, portText } from "../../address/port.ts";
import type { EndpointRecord } from "../../store/records.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import {
  type CniResult,
  emptyResult,
  type ResultDns,
  type ResultInterface,
  type ResultIp,
  readDns,
} from "../protocol/result.ts";
import type { AttachmentCall, BaseCall, PlacedCall } from "./call.ts";
import { askedAliases, askedMac, askedPorts, capability, cniArgs } from "./capabilities.ts";
import { checkAttachment } from "./checking.ts";
import type { Fields } from "./fields.ts";
import { collect, leave } from "./interface-plugin.ts";
import type { Plugin } from "./plugin.ts";
import { defaultRoute } from "./routes.ts";

/** Where a sandbox's names are served inside it. */
const resolver = "127.0.0.11";

/** Options of the network, by their own names; `master` and `mode` are what the reference plugins call those of macvlan and ipvlan. */
function optionsOf(config: Fields, driver: string): Readonly<Record<string, string>> {
  const given = config.object("options");
  const own = (given?.raw ?? []).map(({ key }): [string, string] => [key, String(given?.any(key))]);
  const [master, mode, mtu] = [config.text("master"), config.text("mode"), config.whole("mtu")];
  return {
    ...(master && { parent: master }),
    ...(mode && { [`${driver}_mode`]: mode }),
    ...(mtu && { "com.docker.network.driver.mtu": String(mtu) }),
    ...Object.fromEntries(own),
  };
}

const poolOf = (fields: Fields) => {
  const [subnet, ipRange, gateway] = [fields.text("subnet"), fields.text("ipRange"), fields.text("gateway")];
  return { ...(subnet && { subnet }), ...(ipRange && { ipRange }), ...(gateway && { gateway }) };
};

/** The subnets: as CNM has them, flat or in a list, or the first of each of the runtime's sets. */
function poolsOf(call: BaseCall) {
  const ipam = call.config.object("ipam");
  const asked = (capability(call)?.objectLists("ipRanges") ?? []).flatMap(([first]) => first ?? []);
  const ranges = (ipam?.objectLists("ranges") ?? []).flatMap(([first]) => first ?? []);
  const flat = ipam?.has("subnet") ? [ipam] : [];
  return [...asked, ...flat, ...(ipam?.objects("pools") ?? []), ...ranges].map(poolOf);
}

function networkOf(call: BaseCall) {
  const { config, network: name } = call;
  const driver = config.text("driver") || "bridge";
  const pools = poolsOf(call);
  const six = config.has("enableIPv6") ? config.flag("enableIPv6") : pools.some(({ subnet }) => subnet?.includes(":"));
  return {
    name,
    driver,
    internal: config.flag("internal"),
    enableIpv6: six,
    ...(config.has("enableIPv4") && { enableIpv4: config.flag("enableIPv4") }),
    ipam: { pools },
    options: optionsOf(config, driver),
  };
}

/** What the runtime asks for: addresses without their prefix length, which is the network's. */
function endpointOf(call: AttachmentCall, ports: readonly PublishedPort[]) {
  const asked = [...(capability(call)?.texts("ips") ?? []), ...(cniArgs(call)?.texts("ips") ?? []), ...call.args.ips];
  const of = (six: boolean): string | undefined => asked.find((text) => text.includes(":") === six)?.split("/", 1)[0];
  const [ipv4, ipv6, mac] = [of(false), of(true), askedMac(call)];
  const aliases = [...new Set([...askedAliases(call), ...(call.args.podName ? [call.args.podName] : [])])];
  return {
    ...(ipv4 && { ipv4 }),
    ...(ipv6 && { ipv6 }),
    ...(mac && { mac }),
    aliases,
    publish: ports.map(portText),
  };
}

/** What there is, told as CNI tells it. */
async function resultOf(call: PlacedCall, endpoint: EndpointRecord): Promise<CniResult> {
  const { attachments, attachment, namespace, config, previous = emptyResult } = call;
  const told = attachments.told(endpoint);
  const own: ResultInterface = {
    name: attachment.interfaceName,
    ...(endpoint.mac !== undefined && { mac: endpoint.mac }),
    ...(told.mtu !== undefined && { mtu: told.mtu }),
    sandbox: namespace,
  };
  const before = previous.interfaces.length + told.onHost.length;
  const ips = [endpoint.ipv4, endpoint.ipv6].flatMap((address): ResultIp[] => {
    if (address === undefined) return [];
    const gateway = told.gateways.find((one) => one.includes(":") === address.includes(":"));
    return [{ address, ...(gateway !== undefined && { gateway }), interface: before }];
  });
  const routes = told.gateways.map((gateway) => defaultRoute(gateway.includes(":") ? 6 : 4, gateway));
  return {
    interfaces: [...previous.interfaces, ...told.onHost, own],
    ips: [...previous.ips, ...ips],
    routes: [...previous.routes, ...routes],
    dns: dnsOf(readDns(config.any("dns")), told.names),
  };
}

/** Who is asked for names: the engine where it serves them, which asks others in its turn. */
const dnsOf = (dns: ResultDns, served: boolean): ResultDns => (served ? { ...dns, nameservers: [resolver] } : dns);

export const portolan: Plugin = {
  async add(call) {
    const { attachments, key, namespace, type } = call;
    const wishes = askedPorts(call);
    const endpoint = await attachments.join(key, namespace, networkOf(call), endpointOf(call, wishes), () => ({
      plugin: type,
      made: { kind: "joined", wishes },
    }));
    return resultOf(call, endpoint);
  },
  del: leave,
  check: (call) => checkAttachment(call),
  gc: collect,
  async status(call) {
    const { driver } = networkOf(call);
    if (call.attachments.hasDriver(driver)) return;
    throw new CniError(cniCode.notAvailable, `there is no network driver "${driver}"`);
  },
};
