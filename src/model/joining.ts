/** What has to hold for an endpoint to come into a sandbox, and its interface's name there. */
import { readLinkName } from "../drivers/options.ts";
import { PortolanError } from "../errors.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import type { JoinWish } from "./parse.ts";
import { driverOf, networkOf } from "./related.ts";
import { checkRoutes } from "./static-routes.ts";

/** The endpoint as it is in the sandbox. Throws `forbidden`, `exists`, `invalid-option`. */
export async function joinedRecord(
  context: Context,
  endpoint: EndpointRecord,
  sandbox: SandboxRecord,
  { interfaceName: wanted, gatewayPriority, routes }: JoinWish,
): Promise<EndpointRecord> {
  const network = networkOf(context, endpoint);
  const others = context.records.endpointsOfSandbox(sandbox.id);
  checkCompany(context, network, sandbox, others);
  const company = others.map((other) => ({ endpoint: other, network: networkOf(context, other) }));
  checkRoutes(endpoint, network, routes, company);
  const interfaceName = await chooseName(context, network, sandbox, others, endpoint, wanted);
  const join = { sandboxId: sandbox.id, interfaceName, gatewayPriority, ...(routes.length > 0 && { routes }) };
  return { ...endpoint, join };
}

/** Networks that keep others out: a sandbox is in one network once, in `none` alone, and in `host` from its beginning. */
function checkCompany(
  context: Context,
  network: NetworkRecord,
  sandbox: SandboxRecord,
  others: readonly EndpointRecord[],
): void {
  const object = `sandbox "${sandbox.name}"`;
  const networks = others.map((other) => networkOf(context, other));
  if (networks.some(({ id }) => id === network.id)) {
    throw new PortolanError("exists", `sandbox ${sandbox.name} is already attached to network ${network.name}`, {
      object,
      advice: "disconnect it first, or leave it as it is",
    });
  }
  if ((network.driver === "none" && networks.length > 0) || networks.some(({ driver }) => driver === "none")) {
    throw new PortolanError(
      "forbidden",
      "a sandbox cannot be connected to multiple networks with one of the networks in private (none) mode",
      { object, advice: "disconnect it from the others first" },
    );
  }
}

async function chooseName(
  context: Context,
  network: NetworkRecord,
  sandbox: SandboxRecord,
  others: readonly EndpointRecord[],
  endpoint: EndpointRecord,
  wanted: string | undefined,
): Promise<string> {
  const driver = driverOf(context, network);
  const prefix = driver.interfacePrefix(network);
  if (prefix === "") return "";
  const taken = new Set(others.flatMap(({ join }) => join?.interfaceName ?? []));
  // What is in the engine's own namespaces the engine knows; a foreign one is looked into, and any for links that others are to make.
  if (!sandbox.owned || driver.external !== undefined)
    for (const { name } of (await context.engine.facts(sandbox.namespace)).links) taken.add(name);
  const { interfaceName: said } = driver.readEndpoint(network, endpoint);
  if (wanted !== undefined && said !== undefined && wanted !== said) {
    throw new PortolanError("invalid-argument", `the interface cannot be called both ${wanted} and ${said}`, {
      object: `endpoint "${endpoint.name}" of network "${network.name}"`,
      advice: 'give its name (--interface) or the option "com.docker.network.endpoint.ifname"',
    });
  }
  const exact = wanted ?? said;
  if (exact !== undefined) {
    const name = readLinkName(exact, "interface name");
    if (!taken.has(name) && name !== "lo") return name;
    throw new PortolanError("exists", `sandbox ${sandbox.name} has an interface ${name} already`, {
      object: `sandbox "${sandbox.name}"`,
      advice: "give another interface name, or none",
    });
  }
  for (let number = 0; ; number++) if (!taken.has(`${prefix}${number}`)) return `${prefix}${number}`;
}
