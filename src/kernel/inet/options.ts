/** Options of internet sockets (asm-generic/socket.h, linux/net.h). */

/** SOCK_NONBLOCK | SOCK_CLOEXEC: calls answer EAGAIN instead of waiting, and programs that are started do not inherit it. */
export const nonBlocking = 0o4000 | 0o2000000;

/** SOL_SOCKET */
export const socketLevel = 1;

/** IPPROTO_IP */
export const ipLevel = 0;

export const ipOption = {
  /** IP_FREEBIND: the address may come later than the socket. */ freeBind: 15,
} as const;

/** IPPROTO_IPV6 */
export const ipv6Level = 41;

export const ipv6Option = {
  /** IPV6_V6ONLY: whether a socket takes IPv6 alone. */ ipv6Only: 26,
  /** IPV6_RECVPKTINFO: datagrams tell which address of ours they were sent to. */ receivePacketInfo: 49,
  /** IPV6_PKTINFO: such an address, told or given. */ packetInfo: 50,
  /** IP6T_SO_ORIGINAL_DST (linux/netfilter_ipv6/ip6_tables.h): where a translated connection was to go. */ originalDestination: 80,
} as const;

/** IPPROTO_TCP */
export const tcpLevel = 6;

export const tcpOption = {
  /** TCP_NODELAY: what is written is sent at once. */ noDelay: 1,
  /** TCP_KEEPIDLE: seconds without a packet after which the peer is asked whether it is there. */ keepIdle: 4,
  /** TCP_KEEPINTVL: seconds between such questions. */ keepInterval: 5,
  /** TCP_KEEPCNT: so many without an answer end the connection. */ keepCount: 6,
} as const;

export const socketOption = {
  /** SO_REUSEADDR: connections that are closing do not keep the address. */ reuseAddress: 2,
  /** SO_ERROR: what became of a connection that was begun. */ error: 4,
  /** SO_KEEPALIVE: asks now and then whether the peer is there. */ keepAlive: 9,
  /** SO_LINGER: what closing does with what was not sent; of 0 seconds, it resets the connection. */ linger: 13,
  /** SO_BINDTODEVICE: takes packets of one device only. */ bindToDevice: 25,
  /** SO_RCVBUF: bytes of the receive queue; 0 for the least there is. */ smallReceiveBuffer: 8,
  /** SO_RCVBUFFORCE: bytes of the receive queue, beyond net.core.rmem_max too. */ receiveBuffer: 33,
} as const;

/** Errnos that a socket without blocking answers in the course of things. */
export const errno = {
  /** EPERM */ notPermitted: 1,
  /** ENOENT */ noEntry: 2,
  /** EAGAIN */ again: 11,
  /** EEXIST */ exists: 17,
  /** ECONNABORTED */ aborted: 103,
  /** EINVAL */ invalid: 22,
  /** EPROTONOSUPPORT */ noProtocol: 93,
  /** EOPNOTSUPP */ unsupported: 95,
  /** EADDRINUSE */ addressInUse: 98,
  /** ECONNREFUSED */ connectionRefused: 111,
  /** EINPROGRESS */ inProgress: 115,
} as const;
