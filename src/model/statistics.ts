/** What endpoints have received and sent, as their sandboxes see it: the counters of the interface inside. */
import { PortolanError } from "../errors.ts";
import type { LinkStatistics } from "../kernel/netlink/route/link-statistics.ts";
import type { EndpointRecord, SandboxRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import { endpointFilters, filtered } from "./filters.ts";
import { recordedEndpointInfo } from "./infos.ts";
import { networkOf } from "./related.ts";
import type { EndpointStatistics, Filters } from "./types.ts";

/** An endpoint that has an interface in a sandbox. */
interface Counted {
  readonly endpoint: EndpointRecord;
  readonly sandbox: SandboxRecord;
  readonly interfaceName: string;
}

function countedOf({ records }: Context, endpoint: EndpointRecord): Counted | undefined {
  const sandbox = records.sandboxes.get(endpoint.join?.sandboxId ?? "");
  const interfaceName = endpoint.join?.interfaceName ?? "";
  return sandbox === undefined || interfaceName === "" ? undefined : { endpoint, sandbox, interfaceName };
}

function told(
  context: Context,
  { endpoint, sandbox, interfaceName }: Counted,
  counters: LinkStatistics,
): EndpointStatistics {
  const { id, name } = networkOf(context, endpoint);
  return {
    id: endpoint.id,
    name: endpoint.name,
    network: { id, name },
    sandbox: { id: sandbox.id, name: sandbox.name },
    interfaceName,
    ...counters,
  };
}

/** The counters of one endpoint; throws `not-found` where it has no interface. */
export async function endpointStatistics(context: Context, endpoint: EndpointRecord): Promise<EndpointStatistics> {
  const object = `endpoint "${endpoint.name}" of network "${networkOf(context, endpoint).name}"`;
  const counted = countedOf(context, endpoint);
  if (counted === undefined) {
    throw new PortolanError("not-found", `endpoint ${endpoint.name} has no interface that counts`, {
      object,
      reason: endpoint.join === undefined ? "it is in no sandbox" : "its network gives it none",
    });
  }
  const [counters] = await readCounters(context, [counted]);
  if (counters !== undefined) return told(context, counted, counters);
  throw new PortolanError("not-found", `the interface ${counted.interfaceName} of endpoint ${endpoint.name} is gone`, {
    object,
    advice: "`portolan reconcile` makes it anew",
  });
}

/** The counters of all endpoints that match and have an interface. */
export async function statistics(context: Context, filters: Filters): Promise<readonly EndpointStatistics[]> {
  const { records } = context;
  const infos = [...records.endpoints.values()].map((record) => recordedEndpointInfo(records, record));
  const wanted = filtered(infos, filters, endpointFilters).flatMap(({ id }) => {
    const endpoint = records.endpoints.get(id);
    return (endpoint && countedOf(context, endpoint)) ?? [];
  });
  const counters = await readCounters(context, wanted);
  return wanted.flatMap((one, at) => {
    const counted = counters[at];
    return counted === undefined ? [] : [told(context, one, counted)];
  });
}

const readCounters = (context: Context, wanted: readonly Counted[]) =>
  context.engine.linkStatistics(
    wanted.map(({ sandbox, interfaceName }) => ({ namespace: sandbox.namespace, link: interfaceName })),
  );
