/** Published ports: which ports of the host an endpoint gets. They are its own from when it is made until it is deleted, joined or not. */
import { countOf, meet, type PortRange, type PortWish, type PublishedPort, portText } from "../address/port.ts";
import { PortolanError } from "../errors.ts";
import type { NetworkRecord } from "../store/records.ts";
import type { GiveBack } from "./addressing.ts";
import type { Context, PortHolder as Holder } from "./context.ts";
import { networkOf } from "./descriptions.ts";

/** Where the host's own range of ports for the taking stands (ip(7)): first and last. */
const rangeSysctl = "net/ipv4/ip_local_port_range";
const usualRange: PortRange = { first: 32_768, last: 60_999 };

/**
 * The ports of the host that an endpoint gets, all or none; they are reserved until they stand in a record, or given back. Throws `in-use`, which names the
 * holder.
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
  // From here on nothing waits, so that nobody else takes what is found free.
  const holders = [...context.reservedPorts, ...publishedPorts(context)];
  const words = `endpoint "${endpointName}" of network "${network.name}"`;
  const taken: Holder[] = [];
  for (const wish of wishes) taken.push({ port: choose(wish, anyPort, [...holders, ...taken]), words });
  for (const one of taken) context.reservedPorts.add(one);
  back.push(async () => letGo(context, taken));
  return taken.map(({ port }) => port);
}

/** Ends the reservation of ports that stand in a record now. */
export function settlePorts(context: Context, ports: readonly PublishedPort[]): void {
  const settled = new Set(ports);
  letGo(
    context,
    [...context.reservedPorts].filter(({ port }) => settled.has(port)),
  );
}

function letGo(context: Context, reserved: readonly Holder[]): void {
  for (const one of reserved) context.reservedPorts.delete(one);
}

async function rangeForTheTaking(context: Context): Promise<PortRange> {
  const [value] = await context.engine.readSysctls("host", [rangeSysctl]);
  const [first, last] = (value ?? "").split(/\s+/).map(Number);
  return first && last && first <= last ? { first, last } : usualRange;
}

function publishedPorts(context: Context): readonly Holder[] {
  return context.records.publishers().flatMap((endpoint) => {
    const words = `endpoint "${endpoint.name}" of network "${networkOf(context, endpoint).name}"`;
    return (endpoint.ports ?? []).map((port) => ({ port, words }));
  });
}

/** Who has a port that is wanted. */
function holderOf(wanted: PublishedPort, holders: readonly Holder[]): Holder | undefined {
  return holders.find(
    ({ port }) =>
      port.protocol === wanted.protocol &&
      meet(port.host, wanted.host) &&
      (port.address === undefined || wanted.address === undefined || port.address === wanted.address),
  );
}

function choose(wish: PortWish, anyPort: PortRange, holders: readonly Holder[]): PublishedPort {
  const count = countOf(wish.container);
  const within = wish.host ?? anyPort;
  let holder: Holder | undefined;
  for (let first = within.first; first + count - 1 <= within.last; ) {
    const port: PublishedPort = { ...wish, host: { first, last: first + count - 1 } };
    const found = holderOf(port, holders);
    if (found === undefined) return port;
    holder ??= found;
    first = found.port.host.last + 1;
  }
  const text = portText({ ...wish, host: within });
  throw new PortolanError("in-use", `the port ${text} cannot be published: no port of the host is free for it`, {
    object: `published port ${text}`,
    reason:
      holder === undefined ? `there are not ${count} ports in a row` : `${holder.words} has ${portText(holder.port)}`,
    advice: "choose another port of the host, or 0 for any that is free",
  });
}
