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

export const socketOption = {
  /** SO_REUSEADDR: connections that are closing do not keep the address. */ reuseAddress: 2,
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
