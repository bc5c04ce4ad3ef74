/** Published ports: which ports of the host an endpoint gets. They are its own from when it is made until it is deleted, joined or not. */
import { countOf, meet, type PortRange, type PortWish, type PublishedPort, portText } from "../address/port.ts";
import { PortolanError } from "../errors.ts";
import { describeHeld } from "../firewall/published.ts";
import { adviceFor, wordsFor } from "../state/refusal.ts";
import type { EndpointRecord, NetworkRecord } from "../store/records.ts";
import type { GiveBack } from "./addressing.ts";
import type { Context } from "./context.ts";
import { networkOf } from "./related.ts";

/** Where the host's own range of ports for the taking stands (ip(7)): first and last. */
const rangeSysctl = "net/ipv4/ip_local_port_range";
const usualRange: PortRange = { first: 32_768, last: 60_999 };

/** How often ports that processes turn out to have are passed over. */
const searches = 1000;

const wordsOf = (endpointName: string, { name }: NetworkRecord): string =>
  `endpoint "${endpointName}" of network "${name}"`;

/**
 * The ports that an endpoint gets, all or none; they are its own from now on, until they are given back. Throws `in-use`, which names the
 * holder. A port that a process has is passed over where there is a choice, and else refused when it is to be held.
 */
export async function takePorts(
  context: Context,
  network: NetworkRecord,
  endpointName: string,
  wishes: readonly PortWish[],
  back: GiveBack,
): Promise<readonly PublishedPort[]> {
  if (wishes.length === 0) return [];
  const anyPort = wishes.some(({ host }) => host === undefined) ? await rangeForTheTaking(context) : usualRange;
  const words = wordsOf(endpointName, network);
  const taken = new Map<PortWish, PublishedPort>();
  back.push(async () => releasePorts(context, [...taken.values()]));
  const busy: PublishedPort[] = [];
  const take = (wish: PortWish): void => {
    const port = choose(context, wish, anyPort, busy);
    context.ports.take({ port, words });
    taken.set(wish, port);
  };
  for (const wish of wishes) take(wish);
  const open = wishes.filter(hasChoice);
  for (let search = 0; open.length > 0 && search < searches; search++) {
    const inUse = await portsInUse(context, open, taken);
    if (inUse.length === 0) break;
    busy.push(...inUse);
    // All of them anew, so that they come in the order in which they were asked for.
    releasePorts(
      context,
      open.flatMap((wish) => taken.get(wish) ?? []),
    );
    for (const wish of open) taken.delete(wish);
    for (const wish of open) take(wish);
  }
  return wishes.flatMap((wish) => taken.get(wish) ?? []);
}

const hasChoice = ({ host, container }: PortWish): boolean => host === undefined || countOf(host) > countOf(container);

/** Those of the ports taken for wishes that a process has. */
async function portsInUse(
  { engine }: Context,
  wishes: readonly PortWish[],
  taken: ReadonlyMap<PortWish, PublishedPort>,
): Promise<readonly PublishedPort[]> {
  const ports = wishes.flatMap((wish) => taken.get(wish) ?? []);
  const refusals = await engine.portRefusals(
    ports.map(({ protocol, address, host }) => ({ protocol, ...(address !== undefined && { address }), ...host })),
  );
  // What else the kernel has against one is told when it is held.
  return ports.filter((_, at) => refusals[at]?.code === "EADDRINUSE");
}

/**
 * Throws `in-use` where a process has one of the ports that a container runtime asks for. Such ports are not held: the runtime may hold them itself, before or after
 * it asks; what it and its container's processes have does not count.
 */
export async function refuseBusy(
  { engine }: Context,
  ports: readonly PublishedPort[],
  namespace: string,
): Promise<void> {
  const claims = describeHeld({ ports });
  const refusals = claims.length === 0 ? [] : await engine.portRefusals(claims, namespace);
  for (const [at, claim] of claims.entries()) {
    const refusal = refusals[at];
    if (refusal === undefined) continue;
    const hint = adviceFor(refusal.code);
    throw new PortolanError("in-use", `cannot publish ${wordsFor(claim)}: ${refusal.message}`, {
      object: wordsFor(claim),
      reason: `${refusal.code}: ${refusal.message}`,
      ...(hint !== undefined && { advice: hint }),
    });
  }
}

/** Gives ports back. */
export function releasePorts({ ports }: Context, published: readonly PublishedPort[]): void {
  for (const port of published) ports.release(port);
}

/** Notes the ports of an endpoint that is there since before the start. */
export function restorePorts(context: Context, endpoint: EndpointRecord): void {
  const words = wordsOf(endpoint.name, networkOf(context, endpoint));
  for (const port of endpoint.ports ?? []) context.ports.take({ port, words });
}

async function rangeForTheTaking(context: Context): Promise<PortRange> {
  const [value] = await context.engine.readSysctls("host", [rangeSysctl]);
  const [first, last] = (value ?? "").split(/\s+/).map(Number);
  return first && last && first <= last ? { first, last } : usualRange;
}

function choose({ ports }: Context, wish: PortWish, anyPort: PortRange, busy: readonly PublishedPort[]): PublishedPort {
  const count = countOf(wish.container);
  const stretches = wish.host === undefined ? ports.stretches(wish.protocol, anyPort) : [wish.host];
  let reason: string | undefined;
  for (const within of stretches) {
    for (let first = within.first; first + count - 1 <= within.last; ) {
      const port: PublishedPort = { ...wish, host: { first, last: first + count - 1 } };
      const holder = ports.holderOf(port);
      const process = holder === undefined ? busy.find((one) => isSame(one, port)) : undefined;
      if (holder === undefined && process === undefined) {
        if (wish.host === undefined) ports.pass(port);
        return port;
      }
      reason ??= holder === undefined ? "a process has it" : `${holder.words} has ${portText(holder.port)}`;
      first = (holder?.port ?? process ?? port).host.last + 1;
    }
  }
  const text = portText({ ...wish, host: wish.host ?? anyPort });
  throw new PortolanError("in-use", `the port ${text} cannot be published: no port of the host is free for it`, {
    object: `published port ${text}`,
    reason: reason ?? `there are not ${count} ports in a row`,
    advice: "choose another port of the host, or 0 for any that is free",
  });
}

/** Whether what a process has keeps a port from being published. */
const isSame = (busy: PublishedPort, port: PublishedPort): boolean =>
  busy.protocol === port.protocol && busy.address === port.address && meet(busy.host, port.host);
