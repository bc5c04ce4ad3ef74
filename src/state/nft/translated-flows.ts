/**
 * Flows that the kernel tracks already go on as they began, whatever a map says now: a client that sends to a UDP port without a pause would never see who has the
 * port since. So where elements that translate ports come or go, tracked flows to these ports are forgotten.
 */
import { type Kernel, KernelError } from "../../kernel/kernel.ts";
import { decodeFlow, deleteFlow, type Flow, getFlows } from "../../kernel/netlink/conntrack/flow.ts";
import type { NetlinkMessage } from "../../kernel/netlink/message.ts";
import type { NftObject } from "../kind.ts";

/** Ports of a protocol that is not TCP: there every connection begins with a packet that is looked at anew. IPPROTO_UDP, IPPROTO_SCTP */
const numbers: Readonly<Record<string, number>> = { udp: 17, sctp: 132 };

export interface TranslatedPorts {
  readonly protocol: number;
  readonly first: number;
  readonly last: number;
}

/** The ports that the elements among these objects translate. */
export function translatedPorts(objects: readonly NftObject[]): readonly TranslatedPorts[] {
  return objects.flatMap((object): TranslatedPorts[] => {
    if (object.kind !== "nft-element" || object.data === undefined) return [];
    const { key, type } = object;
    const [protocolPart, portPart] = [key[type.key.indexOf("inet_proto")], key[type.key.indexOf("inet_service")]];
    const protocol = typeof protocolPart === "string" ? numbers[protocolPart] : undefined;
    if (protocol === undefined || portPart === undefined) return [];
    if (typeof portPart === "string") return [{ protocol, first: Number(portPart), last: Number(portPart) }];
    return "from" in portPart ? [{ protocol, first: Number(portPart.from), last: Number(portPart.to) }] : [];
  });
}

/** Above so many ports one look at all flows of their protocol is cheaper than a look for each. */
const singles = 8;

/** Forgets the flows to these ports. Throws KernelError. */
export function forgetFlows(kernel: Kernel, ports: readonly TranslatedPorts[]): void {
  const found = new Map<string, Flow>();
  for (const request of requestsFor(ports)) {
    for (const message of kernel.dump("host", "conntrack", request)) {
      const flow = decodeFlow(message);
      if (flow !== undefined && isTo(flow, ports)) found.set(Object.values(flow).join(" "), flow);
    }
  }
  if (found.size === 0) return;
  for (const refusal of kernel.send("host", "conntrack", [...found.values()].map(deleteFlow))) {
    // It may have ended by itself meanwhile.
    if (refusal !== undefined && refusal.code !== "ENOENT") throw new KernelError("forget tracked flows", refusal);
  }
}

function requestsFor(ports: readonly TranslatedPorts[]): readonly NetlinkMessage[] {
  const count = ports.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const families = [4, 6] as const;
  if (count <= singles) {
    return ports.flatMap(({ protocol, first, last }) =>
      Array.from({ length: last - first + 1 }, (_, at) =>
        families.map((family) => getFlows(family, protocol, first + at)),
      ).flat(),
    );
  }
  const protocols = new Set(ports.map(({ protocol }) => protocol));
  return [...protocols].flatMap((protocol) => families.map((family) => getFlows(family, protocol)));
}

const isTo = (flow: Flow, ports: readonly TranslatedPorts[]): boolean =>
  ports.some(
    ({ protocol, first, last }) =>
      flow.protocol === protocol && flow.destinationPort >= first && flow.destinationPort <= last,
  );
