/**
 * Flows that the kernel tracks already go on as they began, whatever a map says now: a client that sends to a UDP port without a pause would never see who has the
 * port since. So where elements that translate ports come or go, the flows that they would change are forgotten, and no others: what merely passes the host on its
 * way to the same port of another machine goes on.
 */
import { contains, type Subnet } from "../../address/cidr.ts";
import type { Family, IpAddress } from "../../address/ip.ts";
import { type Kernel, KernelError } from "../../kernel/kernel.ts";
import { decodeFlow, deleteFlow, type Flow, getFlows } from "../../kernel/netlink/conntrack/flow.ts";
import { decodeRoute, dumpRoutes, routeTable } from "../../kernel/netlink/route/route.ts";
import type { NftElement, NftKeyPart } from "../objects.ts";
import type { NftStep } from "./transaction.ts";

/** Protocols but TCP: there every connection begins with a packet that is looked at anew. IPPROTO_UDP, IPPROTO_SCTP */
const numbers: Readonly<Record<string, number>> = { udp: 17, sctp: 132 };

/** Ports of the host that lead to a sandbox from now on, or no longer. */
export interface TranslatedPorts {
  readonly verb: "create" | "delete";
  readonly family: Family;
  /** IPPROTO_* */
  readonly protocol: number;
  /** The host's address; absent: any that it has. */
  readonly address?: IpAddress;
  readonly first: number;
  readonly last: number;
  readonly inside: IpAddress;
  /** Port of the sandbox that the first one leads to. */
  readonly insideFirst: number;
}

/** The ports that a step begins or ceases to translate; undefined where it is about something else. */
export function translatedPorts({ verb, object }: NftStep): TranslatedPorts | undefined {
  if (verb === "update" || object.kind !== "nft-element" || object.namespace !== "host") return undefined;
  const family = familyOfData(object);
  const inside = object.data?.[0];
  const protocol = numbers[String(partOf(object, "inet_proto"))];
  const ports = partOf(object, "inet_service");
  if (family === undefined || inside === undefined || protocol === undefined) return undefined;
  if (ports === undefined || (typeof ports !== "string" && !("from" in ports))) return undefined;
  const [first, last] = typeof ports === "string" ? [ports, ports] : [ports.from, ports.to];
  const address = partOf(object, family === 4 ? "ipv4_addr" : "ipv6_addr");
  return {
    verb,
    family,
    protocol,
    // Elements hold addresses in the form in which the kernel's own are read.
    ...(typeof address === "string" && { address: address as IpAddress }),
    first: Number(first),
    last: Number(last),
    inside: inside as IpAddress,
    insideFirst: Number(object.data?.[1] ?? first),
  };
}

function familyOfData({ type }: NftElement): Family | undefined {
  const [data] = type.data ?? [];
  if (data === "ipv4_addr") return 4;
  return data === "ipv6_addr" ? 6 : undefined;
}

const partOf = ({ key, type }: NftElement, name: NftElement["type"]["key"][number]): NftKeyPart | undefined =>
  key[type.key.indexOf(name)];

/**
 * Forgets the flows to ports that come, by an address of the host, unless they go to the sandbox already; and those that ports which go have led to a
 * sandbox. One look at the flows of each family and protocol concerned, which takes as long as the host tracks many. Throws KernelError.
 */
export function forgetFlows(kernel: Kernel, ports: readonly TranslatedPorts[]): void {
  const groups = Map.groupBy(ports, ({ family, protocol }) => `${family} ${protocol}`);
  const found = [...groups.values()].flatMap((group) => flowsOf(kernel, group));
  if (found.length === 0) return;
  for (const refusal of kernel.send("host", "conntrack", found.map(deleteFlow))) {
    // It may have ended by itself meanwhile.
    if (refusal !== undefined && refusal.code !== "ENOENT") throw new KernelError("forget tracked flows", refusal);
  }
}

/** The flows that ports of one family and protocol change. */
function flowsOf(kernel: Kernel, ports: readonly TranslatedPorts[]): readonly Flow[] {
  const [one] = ports;
  if (one === undefined) return [];
  const { family, protocol } = one;
  const only = ports.every(({ first, last }) => first === one.first && last === one.first) ? one.first : undefined;
  const byPort = Map.groupBy(
    ports.filter(({ first, last }) => first === last),
    ({ first }) => first,
  );
  const rows = ports.filter(({ first, last }) => first !== last);
  const isOwn = ownAddresses(kernel, family);
  const isConcerned = (port: number): boolean =>
    byPort.has(port) || rows.some(({ first, last }) => first <= port && port <= last);
  return kernel.dump("host", "conntrack", getFlows(family, protocol, only)).flatMap((message) => {
    const flow = decodeFlow(message, isConcerned);
    if (flow === undefined || flow.protocol !== protocol) return [];
    const concerned = [...(byPort.get(flow.destinationPort) ?? []), ...rows];
    return concerned.some((one) => changes(one, flow, isOwn)) ? [flow] : [];
  });
}

function changes(ports: TranslatedPorts, flow: Flow, isOwn: (address: IpAddress) => boolean): boolean {
  const { verb, address, first, last, inside, insideFirst } = ports;
  const { destination, destinationPort, answerer } = flow;
  if (destinationPort < first || destinationPort > last) return false;
  const isInside = answerer.address === inside && answerer.port === insideFirst + destinationPort - first;
  // What was sent to the sandbox's own address was not led there.
  if (verb === "delete") return isInside && destination !== inside;
  if (isInside) return false;
  return address === undefined ? isOwn(destination) : destination === address;
}

/** Whether an address is the host's own, as `fib daddr type local` says it; the routes are read at the first question. */
function ownAddresses(kernel: Kernel, family: Family): (address: IpAddress) => boolean {
  let subnets: readonly Subnet[] | undefined;
  const known = new Map<IpAddress, boolean>();
  const read = (): readonly Subnet[] =>
    kernel
      .dump("host", "route", dumpRoutes(family, { table: routeTable.local, type: "local" }))
      .map(decodeRoute)
      .flatMap((route) => (route?.type === "local" && route.destination !== "default" ? [route.destination] : []));
  return (address) =>
    known.getOrInsertComputed(address, () => {
      subnets ??= read();
      return subnets.some((subnet) => contains(subnet, address));
    });
}
