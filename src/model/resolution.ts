/** What a sandbox resolves, and what became of what it asked. */
import { addressOf } from "../address/cidr.ts";
import { PortolanError } from "../errors.ts";
import type { SandboxRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import { hostGateway, namedEndpoints, namesOf } from "./naming.ts";
import { networkOf } from "./related.ts";
import type { NameInfo, QueryReport } from "./types.ts";

/** The names that a sandbox resolves without asking anybody else, in the order in which networks are asked; extra hosts and links first. */
export function namesSeenBy(context: Context, sandbox: SandboxRecord): readonly NameInfo[] {
  const { records } = context;
  const own = namedEndpoints(context, records.endpointsOfSandbox(sandbox.id));
  const shared = own.flatMap((endpoint): NameInfo[] => {
    const network = networkOf(context, endpoint);
    return records.endpointsOfNetwork(network.id).flatMap((other) => {
      const there = other.join && records.sandboxes.get(other.join.sandboxId);
      if (there === undefined) return [];
      const addresses = [other.ipv4, other.ipv6].flatMap((one) => (one === undefined ? [] : [addressOf(one)]));
      return namesOf(other, there).map((name) => ({ name, addresses, network: network.name, sandbox: there.name }));
    });
  });
  if (own.length === 0) return [];
  const links = Object.entries(sandbox.naming?.links ?? {}).flatMap(([alias, name]) => {
    const wanted = name.toLowerCase();
    const found = shared.find(
      (one) => one.name.toLowerCase() === wanted || `${one.name}.${one.network}`.toLowerCase() === wanted,
    );
    return found === undefined ? [] : [{ name: alias, addresses: found.addresses }];
  });
  const extra = (sandbox.naming?.extraHosts ?? []).flatMap(({ name, address }): NameInfo[] => {
    const known =
      address === "host-gateway" ? hostGateway(context, sandbox, records.endpointsOfSandbox(sandbox.id)) : address;
    return known === undefined ? [] : [{ name, addresses: [known] }];
  });
  return [...extra, ...links, ...shared];
}

/** What became of a sandbox's questions. Throws `unavailable` where this process answers none. */
export async function queriesOf({ names }: Context, { id, name }: SandboxRecord): Promise<QueryReport> {
  if (names === undefined) {
    throw new PortolanError("unavailable", "names are answered by a daemon, and none runs", {
      object: `sandbox "${name}"`,
      advice: "start one with `portolan daemon`",
    });
  }
  const counters = await names.counters(id);
  return { ...(counters !== undefined && { counters }), queries: await names.queries(id) };
}
