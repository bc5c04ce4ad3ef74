/** What flags say to plugins that declare a capability (CONVENTIONS.md, "Dynamic Plugin specific fields"). */
import { type PortWish, parsePort } from "../address/port.ts";
import type { Json } from "../json.ts";
import { UsageError } from "./usage-error.ts";

/** The flags' values. */
export interface CapabilityValues {
  readonly ports: readonly string[];
  readonly ips: readonly string[];
  readonly mac: string | undefined;
  readonly capabilities: Readonly<Record<string, string>>;
}

/** What each capability is given; a capability that is named goes before the flag that stands for it. Throws UsageError. */
export function capabilitiesOf({ ports, ips, mac, capabilities }: CapabilityValues): Readonly<Record<string, Json>> {
  return {
    ...(ports.length > 0 && { portMappings: ports.flatMap((port) => portMappings(parsePort(port), port)) }),
    ...(ips.length > 0 && { ips }),
    ...(mac !== undefined && { mac }),
    ...Object.fromEntries(Object.entries(capabilities).map(([key, text]) => [key, readJson(key, text)])),
  };
}

/** A mapping for each port: portmap knows no ranges. */
function portMappings({ protocol, address, host, container }: PortWish, text: string): readonly Json[] {
  if (host === undefined)
    throw new UsageError(`--port ${text} names no port of the host`, "write HOST:PORT, such as 8080:80");
  return Array.from({ length: container.last - container.first + 1 }, (_, at) => ({
    hostPort: host.first + at,
    containerPort: container.first + at,
    protocol,
    ...(address !== undefined && { hostIP: address }),
  }));
}

function readJson(key: string, text: string): Json {
  try {
    // JSON.parse gives nothing else.
    return JSON.parse(text) as Json;
  } catch {
    throw new UsageError(
      `--capability ${key} takes JSON, not ${text}`,
      `a text stands in quotes: --capability '${key}="…"'`,
    );
  }
}
