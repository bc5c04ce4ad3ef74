/** The resolver as the model has it: messages to the thread that serves. */
import { type IpAddress, ipToBytes } from "../address/ip.ts";
import { type Services, ServiceThread } from "../loop/thread.ts";
import type { EndpointNames, PackedAddress } from "./records.ts";
import type { AnswerValue, Request, SandboxNames } from "./requests.ts";
import type { NamedEndpoint, NamedSandbox, QueryRecord, Resolver, ResolverCounters } from "./resolver.ts";

const domainPort = 53;

const packed = (address: IpAddress): PackedAddress => Buffer.from(ipToBytes(address)).toString("latin1");

function packedEndpoint({ id, networkId, networkName, names, addresses }: NamedEndpoint): EndpointNames {
  return { id, networkId, networkName, names, addresses: addresses.map(packed) };
}

function packedSandbox(sandbox: NamedSandbox): SandboxNames {
  const { id, namespace, networks, links, extraHosts, nameservers, ndots, port, lasting } = sandbox;
  return {
    id,
    namespace,
    networks,
    links,
    extraHosts: Object.fromEntries(
      Object.entries(extraHosts).map(([name, addresses]) => [name, addresses.map(packed)]),
    ),
    nameservers: nameservers.map((server) => ({ port: domainPort, ...server, packed: packed(server.address) })),
    ...(port !== undefined && { port }),
    ...(ndots !== undefined && { ndots }),
    ...(lasting && { lasting }),
  };
}

/** Makes a resolver whose host is the network namespace in which the thread starts. It costs nothing before the first sandbox. */
export function createResolver(thread: Services = new ServiceThread()): Resolver {
  const service = thread.open<Request, AnswerValue>("naming");
  /** Endpoints that were set before there was anybody to ask for them; undefined once there is. */
  let early: Map<string, EndpointNames> | undefined = new Map();

  const begin = (): void => {
    for (const endpoint of early?.values() ?? []) service.post({ kind: "set endpoint", endpoint });
    early = undefined;
  };

  return {
    setEndpoint(endpoint) {
      const names = packedEndpoint(endpoint);
      if (early !== undefined) early.set(endpoint.id, names);
      else service.post({ kind: "set endpoint", endpoint: names });
    },
    removeEndpoint(id) {
      if (early !== undefined) early.delete(id);
      else service.post({ kind: "remove endpoint", id });
    },
    async setSandbox(sandbox) {
      begin();
      await service.call({ kind: "set sandbox", sandbox: packedSandbox(sandbox) });
    },
    async removeSandbox(id) {
      if (early === undefined) await service.call({ kind: "remove sandbox", id });
    },
    // The thread answers these two with what they are named for.
    counters: async (id) => (await service.call({ kind: "counters", id })) as ResolverCounters,
    queries: async (id) => (await service.call({ kind: "queries", id })) as readonly QueryRecord[],
    close: () => service.close(),
  };
}
