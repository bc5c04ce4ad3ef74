/** What runtimes give beside the configuration: `runtimeConfig`, `args.cni` and CNI_ARGS, and which of them goes first (CONVENTIONS.md). */

import { parseIp } from "../../address/ip.ts";
import { type MacAddress, parseMac } from "../../address/mac.ts";
import { isTransportProtocol, type PublishedPort, type TransportProtocol } from "../../address/port.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { AttachmentCall, BaseCall } from "./call.ts";
import type { Fields } from "./fields.ts";

/** The values for capabilities. */
export const capability = ({ config }: BaseCall): Fields | undefined => config.object("runtimeConfig");

/** Metadata that plugins may go by. */
export const cniArgs = ({ config }: BaseCall): Fields | undefined => config.object("args")?.object("cni");

/** The MAC address that is asked for; throws CniError 7 for what is none. */
export function askedMac(call: AttachmentCall, configured?: string): MacAddress | undefined {
  const text = capability(call)?.text("mac") || cniArgs(call)?.text("mac") || call.args.mac || configured;
  if (text === undefined || text === "") return undefined;
  try {
    return parseMac(text);
  } catch (cause) {
    throw new CniError(cniCode.badConfiguration, `invalid MAC address "${text}"`, undefined, cause);
  }
}

const portNumber = (mapping: Fields, key: string): number => {
  const port = mapping.whole(key) ?? 0;
  if (port > 0 && port <= 65_535) return port;
  throw new CniError(
    cniCode.badConfiguration,
    `Invalid ${key === "hostPort" ? "host" : "container"} port number: ${port}`,
  );
};

/** The ports to publish; throws CniError 7. */
export function askedPorts(call: BaseCall): readonly PublishedPort[] {
  return (capability(call)?.objects("portMappings") ?? []).map((mapping) => {
    const [host, container] = [portNumber(mapping, "hostPort"), portNumber(mapping, "containerPort")];
    const hostIp = mapping.text("hostIP") ?? "";
    const everywhere = hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::";
    return {
      protocol: protocolOf(mapping.text("protocol")),
      ...(!everywhere && { address: parseIp(hostIp) }),
      host: { first: host, last: host },
      container: { first: container, last: container },
    };
  });
}

function protocolOf(text = "tcp"): TransportProtocol {
  const protocol = text.toLowerCase();
  if (isTransportProtocol(protocol)) return protocol;
  throw new CniError(cniCode.badConfiguration, `unknown port protocol ${text}`);
}
/** Further names in a network: a list, or, as podman sends it, lists by network. */
export function askedAliases(call: BaseCall): readonly string[] {
  const value = capability(call)?.any("aliases");
  const own = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
  const list: unknown = own === undefined ? value : own.find(([network]) => network === call.network)?.[1];
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === "string") : [];
}
