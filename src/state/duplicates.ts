/** Asks on a link who has addresses, before they are given to anybody: duplicate address detection (RFC 5227 §2.1, RFC 4862 §5.4). */
import { setTimeout as sleep } from "node:timers/promises";
import { familyOf, type IpAddress, type Ipv4Address, type Ipv6Address } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { Kernel, NamespaceRef, PacketSocket } from "../kernel/kernel.ts";
import { arpClaim, arpProbe } from "../kernel/packet/arp.ts";
import { decodeEthernet, etherType } from "../kernel/packet/ethernet.ts";
import { neighbourClaim, neighbourProbe } from "../kernel/packet/neighbour-discovery.ts";

/** An address that somebody has, or is about to take. */
export interface AddressClaim {
  readonly address: IpAddress;
  readonly mac: MacAddress;
}

/** How often is asked, and how long an answer may take each time, milliseconds: on a bridge it takes less than one. */
const questions = 3;
const patience = 100;
/** How often is looked for answers, milliseconds. */
const interval = 5;

/** Who claims any of the addresses; undefined where nobody does, which takes {@link questions} times {@link patience}. Throws KernelError. */
export async function findClaim(
  kernel: Kernel,
  namespace: NamespaceRef,
  link: string,
  addresses: readonly IpAddress[],
): Promise<AddressClaim | undefined> {
  const socket = kernel.openPackets(namespace, link, "listen");
  try {
    for (let question = 0; question < questions; question++) {
      socket.send(addresses.map((address) => probe(socket.mac, address)));
      const end = performance.now() + patience;
      while (performance.now() < end) {
        await sleep(interval);
        const claim = claimIn(socket, addresses);
        if (claim !== undefined) return claim;
      }
    }
    return undefined;
  } finally {
    socket.close();
  }
}

function probe(mac: MacAddress, address: IpAddress): Uint8Array {
  // The family says which of the two it is, here and below.
  return familyOf(address) === 4 ? arpProbe(mac, address as Ipv4Address) : neighbourProbe(mac, address as Ipv6Address);
}

function claimIn(socket: PacketSocket, addresses: readonly IpAddress[]): AddressClaim | undefined {
  for (const bytes of socket.receive()) {
    const frame = decodeEthernet(bytes);
    if (frame === undefined || frame.source === socket.mac) continue;
    for (const address of addresses) {
      const mac = claimOf(frame.type, frame.payload, frame.source, address);
      if (mac !== undefined && mac !== socket.mac) return { address, mac };
    }
  }
  return undefined;
}

function claimOf(type: number, payload: Uint8Array, sender: MacAddress, address: IpAddress): MacAddress | undefined {
  const family = familyOf(address);
  if (type === etherType.arp && family === 4) return arpClaim(payload, address as Ipv4Address);
  if (type === etherType.ipv6 && family === 6) return neighbourClaim(payload, sender, address as Ipv6Address);
  return undefined;
}
