/**
 * Leads port 53 of a sandbox's 127.0.0.11 to the port that its resolver has. A socket at port 53 itself would keep every DNS server in the sandbox from listening at
 * all its addresses. Ports are rewritten as packets leave, by the loopback link alone and without connection tracking. The table belongs to the socket that made
 * it: nobody else changes it or flushes it away. In a namespace of somebody else's it is gone when the process is; in one of the engine's own it stays for the next process to take
 * over, because the kernel takes milliseconds to remove each, and a process that was killed with a thousand of them would take long to end.
 */
import { socketAddressLength } from "../kernel/inet/address.ts";
import { KernelError, type KernelRefusal } from "../kernel/kernel.ts";
import type { NetlinkMessage } from "../kernel/netlink/message.ts";
import { newChain } from "../kernel/netlink/nftables/chain.ts";
import type { Expression } from "../kernel/netlink/nftables/expressions.ts";
import { newRule } from "../kernel/netlink/nftables/rule.ts";
import { adoptTable, decodeTable, deleteTable, getTable, newTable } from "../kernel/netlink/nftables/table.ts";
import { type Hex, registerOf } from "../kernel/netlink/nftables/values.ts";
import { NetlinkSocket } from "../kernel/netlink/socket.ts";
import { socketAddress } from "../kernel/syscalls.ts";
import { Timed } from "../loop/deadlines.ts";
import { tableComment } from "../state/nft/ownership.ts";

/** Where names are asked for (RFC 1035 §4.2). */
export const domainPort = 53;

/** The table's name. */
export const namesTable = "portolan-names";
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

/** What makes a redirection. */
export interface Transaction {
  readonly messages: readonly NetlinkMessage[];
  readonly isLasting: boolean;
}

/** Has port 53 lead to these ports; a lasting one does also when the process has ended. */
export function redirectionTo({ udp, tcp }: Ports, isLasting: boolean): Transaction {
  const rules = [
    othersPass,
    rewrite("udp", destination, domainPort, udp),
    rewrite("udp", source, udp, domainPort),
    rewrite("tcp", destination, domainPort, tcp),
    rewrite("tcp", source, tcp, domainPort),
  ];
  const messages = [
    newTable({ name: namesTable, comment: tableComment, owned: true, ...(isLasting && { persistent: true }) }),
    newChain({
      table: namesTable,
      name: chain,
      base: { type: "filter", hook: "output", priority: raw, policy: "accept" },
    }),
    ...rules.map((expressions) => newRule({ table: namesTable, chain, expressions })),
  ];
  return { messages, isLasting };
}

/** Before the transaction of a lasting one: takes away what an earlier process has left. */
const inheritance: readonly NetlinkMessage[] = [
  adoptTable({ name: namesTable, owned: true, persistent: true }),
  deleteTable(namesTable),
];

/** What leads port 53 of a namespace to a resolver, for as long as it is open. */
export class Redirection extends Timed {
  readonly #socket: NetlinkSocket;
  /** Whether it stays when it is closed without having ended. */
  readonly isLasting: boolean;

  private constructor(socket: NetlinkSocket, isLasting: boolean) {
    super();
    this.#socket = socket;
    this.isLasting = isLasting;
  }

  /** Has port 53 lead to these ports in the calling thread's namespace. Throws KernelError. */
  static begin({ messages, isLasting }: Transaction): Redirection {
    const socket = new NetlinkSocket("netfilter");
    try {
      const inherits = isLasting && isThere(socket);
      const refusal = refusalOf(socket, inherits ? [...inheritance, ...messages] : messages);
      if (refusal !== undefined) throw new KernelError(`lead port ${domainPort} to the resolver`, refusal);
      return new Redirection(socket, isLasting);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * Takes it away, where it should not stay for a while. Its closing has to follow some time later: at once, the kernel would keep the thread until no packet can see the table
   * any more, which takes many milliseconds.
   */
  end(): void {
    // One that is gone was to go.
    refusalOf(this.#socket, [deleteTable(namesTable)]);
  }

  /** Ends what has not ended, but for a lasting one. */
  close(): void {
    this.#socket.close();
  }
}

/**
 * Whether an earlier process has left its table. To find that out by a refusal costs the kernel 11 ms, because what a refused transaction has begun goes when no packet can see it
 * any more: a daemon that begins again with a thousand sandboxes would serve the last one after 11 s.
 */
const isThere = (socket: NetlinkSocket): boolean =>
  socket.dump(getTable()).some((message) => decodeTable(message)?.name === namesTable);

const refusalOf = (socket: NetlinkSocket, transaction: readonly NetlinkMessage[]): KernelRefusal | undefined =>
  socket.transact(transaction).find((one) => one !== undefined);
