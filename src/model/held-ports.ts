/** Published ports, and whether they are held: a process may have taken one while no engine held it, or the kernel refuse it. */
import { describeHeld } from "../firewall/published.ts";
import type { Engine } from "../state/engine.ts";
import { keyOf } from "../state/kinds/registry.ts";
import type { Port } from "../state/objects.ts";
import type { Context } from "./context.ts";
import { endpointFilters, filtered } from "./filters.ts";
import { recordedEndpointInfo } from "./infos.ts";
import type { Filters, PortInfo } from "./types.ts";

/** Keys of the ports that this process holds. */
async function heldKeys(engine: Engine): Promise<ReadonlySet<string>> {
  return new Set((await engine.heldPorts()).map((claim) => keyOf({ ...claim, kind: "port" })));
}

/** The published ports of the endpoints that match; throws `invalid-argument` for a filter that there is not. */
export async function publishedPorts({ records, engine }: Context, filters: Filters): Promise<readonly PortInfo[]> {
  const infos = [...records.endpoints.values()].map((record) => recordedEndpointInfo(records, record));
  const matching = filtered(infos, filters, endpointFilters);
  const held = await heldKeys(engine);
  return matching.flatMap(({ id, name, network, sandbox, ports }) =>
    ports.map((port) => ({
      endpoint: { id, name },
      network: { id: network.id, name: network.name },
      ...(sandbox !== undefined && { sandbox }),
      ...port,
      held: describeHeld({ ports: [port] }).every((one) => held.has(keyOf(one))),
    })),
  );
}

/** The ports that this process is to hold and does not, in no order; none where it does not live on. */
export async function lostPorts({ ledger, engine, services }: Context): Promise<readonly Port[]> {
  const wanted = services ? ledger.all().filter((object) => object.kind === "port") : [];
  if (wanted.length === 0) return [];
  const held = await heldKeys(engine);
  return wanted.filter((port) => !held.has(keyOf(port)));
}
