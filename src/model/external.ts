/** What the model asks of makers of endpoints before there is an endpoint. */
import type { Driver, EndpointWishes, NetworkRequest } from "../drivers/driver.ts";
import { PortolanError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { ExternalRecord, NetworkRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import type { EndpointMaker } from "./endpoint-maker.ts";
import { driverOf } from "./related.ts";

/** The maker of a driver's endpoints; throws `unsupported` where this engine has none. */
export function makerOf({ makers }: Context, { name, driver }: Pick<NetworkRecord, "name" | "driver">): EndpointMaker {
  const maker = makers.get(driver);
  if (maker !== undefined) return maker;
  throw new PortolanError("unsupported", `this engine executes nothing for networks of the driver ${driver}`, {
    object: `network "${name}"`,
    advice: "use the daemon or the portolan command; a program of its own gives createController a maker (`makers`)",
  });
}

/** What is found for a new network, for its driver; nothing where the driver describes its endpoints. */
export async function findMaker(
  context: Context,
  { external }: Driver,
  request: Pick<NetworkRequest, "name" | "driver" | "options">,
): Promise<{ readonly found?: Json }> {
  if (external === undefined) return {};
  const source = external.source(request);
  const maker = makerOf(context, request);
  return { found: await context.locks.aside(() => maker.find(source, undefined)) };
}

/** What the maker is to be asked for an endpoint; undefined where the driver describes it. Throws `invalid-option`. */
export function askMaker(context: Context, network: NetworkRecord, wishes: EndpointWishes): ExternalRecord | undefined {
  const { external } = driverOf(context, network);
  if (external === undefined) return undefined;
  const { publishAddress } = context;
  const publish = wishes.publish.map((port) =>
    publishAddress === undefined ? port : { address: publishAddress, ...port },
  );
  return { asked: external.ask(network, { ...wishes, publish }) };
}
