/**
 * Leads port 53 of a sandbox's 127.0.0.11 to the port that its resolver has. A socket at port 53 itself would keep every DNS server in the sandbox from listening at
 * all its addresses. Ports are rewritten as packets leave, by the loopback link alone and without connection tracking. The table belongs to the socket that made
 * it: nobody else changes it or flushes it away, and like the resolver's other sockets it is gone when the process is.
 */
import { socketAddressLength } from "../kernel/inet/address.ts";
import { KernelError } from "../kernel/kernel.ts";
import type { NetlinkMessage } from "../kernel/netlink/message.ts";
import { newChain } from "../kernel/netlink/nftables/chain.ts";
import type { Expression } from "../kernel/netlink/nftables/expressions.ts";
import { newRule } from "../kernel/netlink/nftables/rule.ts";
import { newTable } from "../kernel/netlink/nftables/table.ts";
import { type Hex, registerOf } from "../kernel/netlink/nftables/values.ts";
import { NetlinkSocket } from "../kernel/netlink/socket.ts";
import { socketAddress } from "../kernel/syscalls.ts";

/** Where names are asked for (RFC 1035 §4.2). */
export const domainPort = 53;

const table = "portolan-names";
const chain = "output";
/** NF_IP_PRI_RAW: before connection tracking. */
const raw = -300;

const register = registerOf(0);
/** Index of every namespace's loopback link (LOOPBACK_IFINDEX), in the machine's byte order. */
const loopback: Hex = "01000000";
/** NFPROTO_IPV4 */
const ipv4: Hex = "02";
const resolverAddress: Hex = "7f00000b";

/** IPPROTO_* and where a transport's checksum stands (RFC 768, RFC 9293 §3.1). */
const transports = { udp: { number: "11", checksum: 6 }, tcp: { number: "06", checksum: 16 } } as const;
/** Where the fields stand: addresses in the IPv4 header (RFC 791 §3.1), ports in that of either transport. */
const source = { address: 12, port: 0 } as const;
const destination = { address: 16, port: 2 } as const;

const compare = (operation: "==" | "!=", value: Hex): Expression => ({ type: "cmp", operation, from: register, value });
const port = (number: number): Hex => number.toString(16).padStart(4, "0");

/** Packets that leave by another link are nobody's business here: one comparison for them. */
const othersPass: readonly Expression[] = [
  { type: "meta", key: "oif", to: register },
  compare("!=", loopback),
  { type: "verdict", verdict: "accept" },
];

/** Rewrites a port of packets whose address at that end is the resolver's. */
function rewrite(
  transport: keyof typeof transports,
  end: typeof source | typeof destination,
  from: number,
  to: number,
): readonly Expression[] {
  const { number, checksum } = transports[transport];
  return [
    { type: "meta", key: "nfproto", to: register },
    compare("==", ipv4),
    { type: "payload", base: "network", offset: end.address, length: 4, to: register },
    compare("==", resolverAddress),
    { type: "meta", key: "l4proto", to: register },
    compare("==", number),
    { type: "payload", base: "transport", offset: end.port, length: 2, to: register },
    compare("==", port(from)),
    { type: "notrack" },
    { type: "immediate", value: port(to), to: register },
    { type: "payload-set", base: "transport", offset: end.port, length: 2, from: register, checksum },
  ];
}

/** Which ports to lead to, of sockets that are bound. */
export interface Ports {
  readonly udp: number;
  readonly tcp: number;
}

/** The port that the kernel has given a bound IPv4 socket. */
export function portOf(fd: number): number {
  return socketAddress(fd, socketAddressLength[4]).readUInt16BE(2);
}

/** The transaction that leads to these ports. */
export function redirectionTo({ udp, tcp }: Ports): readonly NetlinkMessage[] {
  const rules = [
    othersPass,
    rewrite("udp", destination, domainPort, udp),
    rewrite("udp", source, udp, domainPort),
    rewrite("tcp", destination, domainPort, tcp),
    rewrite("tcp", source, tcp, domainPort),
  ];
  return [
    newTable({ name: table, owned: true }),
    newChain({ table, name: chain, base: { type: "filter", hook: "output", priority: raw, policy: "accept" } }),
    ...rules.map((expressions) => newRule({ table, chain, expressions })),
  ];
}

/** Has a transaction of {@link redirectionTo} done in the calling thread's namespace; it lasts until what this returns is closed. Throws KernelError. */
export function redirect(transaction: readonly NetlinkMessage[]): NetlinkSocket {
  const socket = new NetlinkSocket("netfilter");
  try {
    const refusal = socket.transact(transaction).find((one) => one !== undefined);
    if (refusal !== undefined) throw new KernelError(`lead port ${domainPort} to the resolver`, refusal);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
