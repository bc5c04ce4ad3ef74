/**
 * The libc calls that Node lacks, by koffi. Each acts on the calling thread, synchronously, and throws {@link KernelError} with the errno; what they are
 * combined to is the business of namespace.ts and netlink/socket.ts.
 */
import { getSystemErrorMessage, getSystemErrorName } from "node:util";
import koffi from "koffi";
import { KernelError, type KernelRefusal } from "./kernel.ts";

const libc = koffi.load("libc.so.6");
const call = {
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  bind: libc.func("int bind(int fd, const uint8_t *address, uint32_t length)"),
  setsockopt: libc.func("int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t length)"),
  send: libc.func("int64_t send(int fd, const uint8_t *bytes, size_t length, int flags)"),
  getsockname: libc.func("int getsockname(int fd, uint8_t *address, uint32_t *length)"),
  close: libc.func("int close(int fd)"),
  recv: libc.func("int64_t recv(int fd, uint8_t *bytes, size_t length, int flags)"),
  ioctl: libc.func("int ioctl(int fd, unsigned long request, uint8_t *argument)"),
  setns: libc.func("int setns(int fd, int type)"),
  unshare: libc.func("int unshare(int flags)"),
  mount: libc.func(
    "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
  ),
  umount2: libc.func("int umount2(const char *target, int flags)"),
};

/** CLONE_* flags of setns and unshare (linux/sched.h). */
export const namespaceFlag = {
  /** CLONE_NEWNS: mounts. */ mount: 0x00020000,
  /** CLONE_NEWNET */ network: 0x40000000,
} as const;

/** MS_* flags of mount (linux/mount.h). */
export const mountFlag = {
  /** MS_BIND */ bind: 4096,
  /** MS_REC: submounts too. */ recursive: 16384,
  /** MS_PRIVATE: neither gives nor takes mounts. */ private: 1 << 18,
} as const;

/** MNT_DETACH of umount2: out of sight now, gone when no longer used. */
export const detach = 2;

/** AF_NETLINK */
export const netlinkDomain = 16;
/** SOCK_RAW | SOCK_CLOEXEC */
export const rawSocket = 3 | 0o2000000;
/** MSG_TRUNC of recv: the length of the datagram, even where the buffer is shorter. */
export const realLength = 0x20;

/**
 * Names that the kernel has for errnos and Node has not: 95 is ENOTSUP to Node, and 524 (ENOTSUPP), which the netlink families answer now and then, is the
 * kernel's own and in no C library.
 */
const kernelNames: Readonly<Record<number, string>> = { 95: "EOPNOTSUPP", 524: "ENOTSUPP" };

/** An errno in the system's words. */
export function refusalOf(errno: number, message?: string, offset?: number): KernelRefusal {
  const code = kernelNames[errno] ?? getSystemErrorName(-errno);
  const words = message ?? (errno in kernelNames ? "operation is not supported" : getSystemErrorMessage(-errno));
  return { errno, code, message: words ?? code, ...(offset !== undefined && { offset }) };
}

/** The result of a call; throws KernelError where it is negative. EINTR is not retried here. */
function checked(operation: string, result: number | bigint): number {
  if (result >= 0) return Number(result);
  throw new KernelError(operation, refusalOf(koffi.errno()));
}

/** socket(2) */
export function socket(domain: number, type: number, protocol: number): number {
  return checked("socket", call.socket(domain, type, protocol));
}

/** bind(2) to a socket address given as its bytes. */
export function bind(fd: number, address: Uint8Array): void {
  checked("bind", call.bind(fd, address, address.length));
}

/** setsockopt(2) with an integer value. */
export function setSocketOption(fd: number, level: number, option: number, value: number | Uint8Array): void {
  let bytes: Uint8Array;
  if (typeof value === "number") {
    bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value, true);
  } else bytes = value;
  checked(`setsockopt ${level}/${option}`, call.setsockopt(fd, level, option, bytes, bytes.length));
}

/** getsockname(2): the address that a socket is bound to, of that many bytes. */
export function socketAddress(fd: number, length: number): Buffer {
  const address = Buffer.alloc(length);
  checked("getsockname", call.getsockname(fd, address, Uint32Array.of(length)));
  return address;
}

/** SOL_SOCKET, SO_ATTACH_FILTER */
const socketLevel = 1;
const attachFilterOption = 26;

/** SO_ATTACH_FILTER of socket(7): what the program (struct sock_filter, 8 bytes an instruction) does not let through is not received. */
export function attachFilter(fd: number, program: Uint8Array): void {
  const pointer = Buffer.alloc(16); // struct sock_fprog
  pointer.writeUInt16LE(program.length / 8);
  pointer.writeBigUInt64LE(koffi.address(program), 8);
  setSocketOption(fd, socketLevel, attachFilterOption, pointer);
}

/** send(2) of a whole datagram. */
export function send(fd: number, bytes: Uint8Array): void {
  checked("send", call.send(fd, bytes, bytes.length, 0));
}

/** recv(2) of one datagram into `buffer`; its length, with {@link realLength} also beyond the buffer's. */
export function receive(fd: number, buffer: Uint8Array, flags: number): number {
  return checked("recv", call.recv(fd, buffer, buffer.length, flags));
}

/** SIOCGIFINDEX (linux/sockios.h) */
const getInterfaceIndex = 0x8933;
/** struct ifreq (linux/if.h): a name of at most 15 bytes, and what is asked. */
const interfaceRequest = { length: 40, nameLength: 16 } as const;

/** Index of an interface in the namespace of a socket (netdevice(7)): without the lock that netlink requests take. Throws KernelError ENODEV. */
export function interfaceIndex(fd: number, name: string): number {
  const request = Buffer.alloc(interfaceRequest.length);
  // A longer name is nobody's; cut short it could be.
  if (request.write(name) >= interfaceRequest.nameLength) throw new KernelError(`find link ${name}`, refusalOf(19));
  checked(`find link ${name}`, call.ioctl(fd, getInterfaceIndex, request));
  return request.readInt32LE(interfaceRequest.nameLength);
}

/** NS_GET_NSTYPE (linux/nsfs.h) */
const getNamespaceType = 0xb703;

/** Which kind of namespace a descriptor is of, as a {@link namespaceFlag} (ioctl_nsfs(2)). */
export function namespaceType(fd: number): number {
  return checked("find the type of a namespace", call.ioctl(fd, getNamespaceType, null));
}

/** close(2) of a descriptor that {@link socket} gave. */
export function closeSocket(fd: number): void {
  checked("close", call.close(fd));
}

/** setns(2): moves the calling thread into the namespace behind a descriptor. */
export function setNamespace(fd: number, type: number): void {
  checked("setns", call.setns(fd, type));
}

/** unshare(2): moves the calling thread into new namespaces. */
export function unshare(flags: number): void {
  checked("unshare", call.unshare(flags));
}

/** mount(2) */
export function mount(source: string, target: string, type: string, flags: number): void {
  checked(`mount ${target}`, call.mount(source, target, type, flags, null));
}

/** umount2(2) */
export function unmount(target: string, flags: number): void {
  checked(`umount ${target}`, call.umount2(target, flags));
}
