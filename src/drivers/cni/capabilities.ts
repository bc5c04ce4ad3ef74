/** What an endpoint of a CNI network is asked for with, by the capabilities of its list (CONVENTIONS.md, "Dynamic Plugin specific fields"). */
import { countOf, type PortWish, portText } from "../../address/port.ts";
import { PortolanError } from "../../errors.ts";
import type { Json } from "../../json.ts";
import type { EndpointWishes } from "../driver.ts";

/** The list that is asked: its network's name, and what its plugins declare. A type, not an interface, so that it is a Json value. */
export type AskedList = {
  readonly name: string;
  readonly capabilities: readonly string[];
};

/** Capabilities by what asks for them: in whose words a refusal tells of it. */
const wanted = {
  portMappings: "publish ports",
  ips: "give addresses that are asked for",
  mac: "give a MAC address that is asked for",
} as const;

/** What each capability is given. Throws `invalid-option` where something is asked for that no plugin declares; aliases the engine's own names answer to as well. */
export function askCapabilities(
  list: AskedList,
  network: string,
  { mac, ipv4, ipv6, aliases, publish }: EndpointWishes,
): Readonly<Record<string, Json>> {
  const ips = [ipv4, ipv6].filter((address) => address !== undefined);
  const asked: Readonly<Record<string, Json>> = {
    ...(publish.length > 0 && { portMappings: publish.flatMap(portMappings) }),
    ...(ips.length > 0 && { ips }),
    ...(mac !== undefined && { mac }),
  };
  for (const [capability, words] of Object.entries(wanted)) {
    if (asked[capability] === undefined || list.capabilities.includes(capability)) continue;
    throw new PortolanError("invalid-option", `the plugins of network ${network} do not ${words}`, {
      object: `network "${network}"`,
      reason: `no plugin of the list "${list.name}" declares the capability "${capability}"`,
      advice: `leave it out, or create the network of a list in which the plugin that can do it has "capabilities": {"${capability}": true}`,
    });
  }
  const named = aliases.length > 0 && list.capabilities.includes("aliases");
  return { ...asked, ...(named && { aliases: { [list.name]: aliases } }) };
}

/** A mapping for each port: plugins know no ranges. */
function portMappings(port: PortWish): readonly Json[] {
  const { protocol, address, host, container } = port;
  if (host === undefined || countOf(host) !== countOf(container)) {
    throw new PortolanError("invalid-option", "the port of the host is chosen by whoever asks, not by CNI's plugins", {
      object: `published port ${portText(port)}`,
      advice: "name the port: HOST:PORT, such as 8080:80",
    });
  }
  return Array.from({ length: countOf(container) }, (_, at) => ({
    hostPort: host.first + at,
    containerPort: container.first + at,
    protocol,
    ...(address !== undefined && { hostIP: address }),
  }));
}
