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
  getsockopt: libc.func("int getsockopt(int fd, int level, int option, uint8_t *value, uint32_t *length)"),
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
  connect: libc.func("int connect(int fd, const uint8_t *address, uint32_t length)"),
  listen: libc.func("int listen(int fd, int backlog)"),
  accept4: libc.func("int accept4(int fd, void *address, void *length, int flags)"),
  // Addresses as numbers: a view of each datagram would be garbage for every packet.
  recvmmsg: libc.func("int recvmmsg(int fd, uint8_t *headers, uint32_t count, int flags, void *timeout)"),
  sendto: libc.func(
    "int64_t sendto(int fd, intptr_t bytes, size_t length, int flags, intptr_t address, uint32_t addressLength)",
  ),
  sendtoBytes: libc.func(
    "int64_t sendto(int fd, const uint8_t *bytes, size_t length, int flags, const uint8_t *address, uint32_t addressLength)",
  ),
  sendmsg: libc.func("int64_t sendmsg(int fd, const uint8_t *header, int flags)"),
  epoll_create1: libc.func("int epoll_create1(int flags)"),
  epoll_ctl: libc.func("int epoll_ctl(int epfd, int op, int fd, uint8_t *event)"),
  epoll_wait: libc.func("int epoll_wait(int epfd, uint8_t *events, int count, int timeout)"),
  eventfd: libc.func("int eventfd(uint32_t initial, int flags)"),
  malloc_trim: libc.func("int malloc_trim(size_t pad)"),
  getrandom: libc.func("int64_t getrandom(uint8_t *bytes, size_t length, uint32_t flags)"),
  shutdown: libc.func("int shutdown(int fd, int how)"),
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
  /** MS_SLAVE: takes mounts, and gives none. */ slave: 1 << 19,
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

/** getsockopt(2): what an option of a socket holds; `value` is the question, and is overwritten by the answer. */
export function getSocketOption(fd: number, level: number, option: number, value: Buffer): Buffer {
  checked(`getsockopt ${level}/${option}`, call.getsockopt(fd, level, option, value, Uint32Array.of(value.length)));
  return value;
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

/** send(2) of a whole datagram from a thread of Node's pool; `done` is told what is wrong. */
export function sendAside(fd: number, bytes: Uint8Array, done: (error: KernelError | undefined) => void): void {
  // The errno is that of the pool's thread, and not to be had here.
  call.send.async(fd, bytes, bytes.length, 0, (error: unknown, sent: bigint | number) => {
    const failed = error !== null || Number(sent) !== bytes.length;
    done(failed ? new KernelError("send", refusalOf(5)) : undefined);
  });
}

/** recv(2) of one datagram into `buffer`; its length, with {@link realLength} also beyond the buffer's. */
export function receive(fd: number, buffer: Uint8Array, flags: number): number {
  return checked("recv", call.recv(fd, buffer, buffer.length, flags));
}

/** SIOCGIFINDEX, SIOCGIFHWADDR (linux/sockios.h) */
const interfaceQuery = { index: 0x8933, hardwareAddress: 0x8927 } as const;
/** struct ifreq (linux/if.h): a name of at most 15 bytes, and what is asked. */
const interfaceRequest = { length: 40, nameLength: 16 } as const;

/** What is known of an interface in the namespace of a socket (netdevice(7)): without the lock that netlink requests take. Throws KernelError ENODEV. */
function askInterface(fd: number, name: string, query: number): Buffer {
  const request = Buffer.alloc(interfaceRequest.length);
  // A longer name is nobody's; cut short it could be.
  if (request.write(name) >= interfaceRequest.nameLength) throw new KernelError(`find link ${name}`, refusalOf(19));
  checked(`find link ${name}`, call.ioctl(fd, query, request));
  return request.subarray(interfaceRequest.nameLength);
}

/** Whether there is an interface: without the error that most askers expect, which takes longer to make than the call. */
export function hasInterface(fd: number, name: string): boolean {
  const request = Buffer.alloc(interfaceRequest.length);
  if (request.write(name) >= interfaceRequest.nameLength) return false;
  return call.ioctl(fd, interfaceQuery.index, request) >= 0;
}

/** Index of an interface; throws KernelError ENODEV. */
export function interfaceIndex(fd: number, name: string): number {
  return askInterface(fd, name, interfaceQuery.index).readInt32LE();
}

/** The six bytes of an Ethernet interface's address; throws KernelError ENODEV. */
export function hardwareAddress(fd: number, name: string): Uint8Array {
  // struct sockaddr: the address stands behind its family.
  return askInterface(fd, name, interfaceQuery.hardwareAddress).subarray(2, 8);
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

/** close(2) on a thread of Node's pool, for descriptors that take the kernel long to close. `done` is called whatever came of it. */
export function closeElsewhere(fd: number, done: () => void): void {
  call.close.async(fd, done);
}

/** sendto(2) of a datagram to a socket address on a thread of Node's pool. `done` is called whatever came of it. */
export function sendElsewhere(fd: number, bytes: Uint8Array, address: Uint8Array, done: () => void): void {
  call.sendtoBytes.async(fd, bytes, bytes.length, withoutWaiting, address, address.length, done);
}

/** setns(2): moves the calling thread into the namespace behind a descriptor. */
export function setNamespace(fd: number, type: number): void {
  checked("setns", call.setns(fd, type));
}

/** unshare(2): moves the calling thread into new namespaces. */
export function unshare(flags: number): void {
  checked("unshare", call.unshare(flags));
}

/** mount(2); `data` is the file system's own. */
export function mount(source: string, target: string, type: string, flags: number, data: string | null = null): void {
  checked(`mount ${target}`, call.mount(source, target, type, flags, data));
}

/** umount2(2) */
export function unmount(target: string, flags: number): void {
  checked(`umount ${target}`, call.umount2(target, flags));
}

/** connect(2); errnos in `expected` are no error. */
export function connect(fd: number, address: Uint8Array, expected: readonly number[] = []): void {
  const result = call.connect(fd, address, address.length);
  if (result < 0 && expected.includes(koffi.errno())) return;
  checked("connect", result);
}

/** listen(2) */
export function listen(fd: number, backlog: number): void {
  checked("listen", call.listen(fd, backlog));
}

/** The result of a call that fails in the course of things, or a negative errno. */
function counted(result: number | bigint): number {
  return result >= 0 ? Number(result) : -koffi.errno();
}

/** MSG_DONTWAIT | MSG_NOSIGNAL: a full queue answers EAGAIN, a closed connection EPIPE. */
const withoutWaiting = 0x40 | 0x4000;

/** accept4(2): the descriptor, or a negative errno. */
export function accept(fd: number, flags: number): number {
  return counted(call.accept4(fd, null, null, flags));
}

/** recvmmsg(2) into an array of struct mmsghdr: how many datagrams, or a negative errno. */
export function receiveMany(fd: number, headers: Uint8Array, count: number): number {
  return counted(call.recvmmsg(fd, headers, count, withoutWaiting, null));
}

/** sendto(2) of bytes and to a socket address, each at an address of memory: how many bytes, or a negative errno. */
export function sendTo(fd: number, bytes: number, length: number, address: number, addressLength: number): number {
  return counted(call.sendto(fd, bytes, length, withoutWaiting, address, addressLength));
}

/** sendto(2) of a datagram to a socket address: how many bytes, or a negative errno. */
export function sendDatagram(fd: number, bytes: Uint8Array, address: Uint8Array): number {
  return counted(call.sendtoBytes(fd, bytes, bytes.length, withoutWaiting, address, address.length));
}

/** send(2) without waiting: how many bytes, or a negative errno. */
export function sendSome(fd: number, bytes: Uint8Array): number {
  return counted(call.send(fd, bytes, bytes.length, withoutWaiting));
}

/** recv(2) without waiting: how many bytes (0 at the end of a stream), or a negative errno. */
export function receiveSome(fd: number, buffer: Uint8Array): number {
  return counted(call.recv(fd, buffer, buffer.length, withoutWaiting));
}

/** sendmsg(2) of a struct msghdr without waiting: how many bytes, or a negative errno. */
export function sendMessage(fd: number, header: Uint8Array): number {
  return counted(call.sendmsg(fd, header, withoutWaiting));
}

/** MSG_PEEK: what is read stays. MSG_TRUNC, of a stream: what is read is not copied. */
const peek = 0x2;
const uncopied = 0x20;

/** recv(2) without waiting of what stays in the queue: how many bytes (0 at the end of a stream), or a negative errno. */
export function peekSome(fd: number, buffer: Uint8Array): number {
  return counted(call.recv(fd, buffer, buffer.length, withoutWaiting | peek));
}

/** Takes bytes out of a stream's queue that were looked at, as many as lie in `buffer`, which stays as it is. */
export function takeSome(fd: number, buffer: Uint8Array, count: number): number {
  return counted(call.recv(fd, buffer, count, withoutWaiting | uncopied));
}

/** getsockopt(2) into `value`: 0, or a negative errno. */
export function socketOptionOf(fd: number, level: number, option: number, value: Uint8Array): number {
  return counted(call.getsockopt(fd, level, option, value, Uint32Array.of(value.length)));
}

/** EPOLL_CLOEXEC, EFD_CLOEXEC, and EFD_NONBLOCK with it. */
const closeOnExec = 0o2000000;
const eventFlags = closeOnExec | 0o4000;

/** epoll_create1(2) */
export function createPoll(): number {
  return checked("epoll_create1", call.epoll_create1(closeOnExec));
}

/** epoll_ctl(2) with a struct epoll_event. */
export function controlPoll(poll: number, operation: number, fd: number, event: Uint8Array): void {
  checked("epoll_ctl", call.epoll_ctl(poll, operation, fd, event));
}

/** EINTR */
const interrupted = 4;

/** epoll_wait(2): how many events; none where a signal came in between. */
export function waitPoll(poll: number, events: Uint8Array, count: number, milliseconds: number): number {
  const ready = counted(call.epoll_wait(poll, events, count, milliseconds));
  return ready === -interrupted ? 0 : checked("epoll_wait", ready);
}

/** eventfd(2) that does not block. */
export function createEventDescriptor(): number {
  return checked("eventfd", call.eventfd(0, eventFlags));
}

/** getrandom(2): fills at most 256 bytes, which it always does at once. */
export function randomBytes(bytes: Uint8Array): void {
  checked("getrandom", call.getrandom(bytes, bytes.length, 0));
}

/** SHUT_WR */
const outwards = 1;

/** shutdown(2) of the direction outwards: the peer reads an end. 0, or a negative errno. */
export function endWriting(fd: number): number {
  return counted(call.shutdown(fd, outwards));
}

/** SHUT_RDWR */
const bothWays = 2;

/** shutdown(2) of both directions; a socket that listened stays bound. */
export function shutdown(fd: number): void {
  checked("shutdown", call.shutdown(fd, bothWays));
}

/** malloc_trim(3): gives back to the system what the C library holds free, for the whole process. */
export function trimHeap(): void {
  call.malloc_trim(0);
}
