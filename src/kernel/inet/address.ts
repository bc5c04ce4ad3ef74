/** Internet socket addresses as the kernel reads them (ip(7), ipv6(7)). */

/** AF_INET, AF_INET6 (linux/socket.h) */
export const inetDomain = 2;
export const inet6Domain = 10;

/** Bytes of struct sockaddr_in, and of struct sockaddr_in6 (linux/in.h, linux/in6.h). */
export const socketAddressLength = { 4: 16, 6: 28 } as const;

/** The socket address of an address (4 or 16 bytes) and a port. */
export function encodeSocketAddress(address: Uint8Array, port: number): Buffer {
  const isIpv4 = address.length === 4;
  // Apart, so that the bytes stay where they are while the kernel reads them.
  const bytes = Buffer.from(new ArrayBuffer(socketAddressLength[isIpv4 ? 4 : 6]));
  bytes.writeUInt16LE(isIpv4 ? inetDomain : inet6Domain, 0);
  bytes.writeUInt16BE(port, 2);
  // struct sockaddr_in6 has the flow's label in between.
  bytes.set(address, isIpv4 ? 4 : 8);
  return bytes;
}

/** The domain of a socket for that address: {@link inetDomain} or {@link inet6Domain}. */
export function domainOf(socketAddress: Uint8Array): number {
  return socketAddress.length === socketAddressLength[4] ? inetDomain : inet6Domain;
}
