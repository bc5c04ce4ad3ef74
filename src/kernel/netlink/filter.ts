/** Programs that choose what a socket receives (classic BPF, linux/filter.h). */

/** BPF_LD | BPF_W | BPF_ABS; BPF_JMP | BPF_JEQ | BPF_K; BPF_RET | BPF_K */
const load = 0x20;
const jumpIfEqual = 0x15;
const answer = 0x06;

/** Offset of nlmsg_pid in struct nlmsghdr. */
const portIdOffset = 12;

/** struct sock_filter: what to do, where to go on if true and if not, and with which number. */
function instruction(code: number, ifTrue: number, ifFalse: number, number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(number, 4);
  return bytes;
}

/**
 * Lets all datagrams through but those whose first message a socket of that port id has caused. The messages of one datagram have one cause: those of
 * one request, or of one transaction.
 */
export function notCausedBy(portId: number): Buffer {
  // Loads are in network byte order, the header is in the machine's.
  const swapped = Buffer.alloc(4);
  swapped.writeUInt32LE(portId);
  return Buffer.concat([
    instruction(load, 0, 0, portIdOffset),
    instruction(jumpIfEqual, 0, 1, swapped.readUInt32BE()),
    instruction(answer, 0, 0, 0),
    instruction(answer, 0, 0, 0xffffffff),
  ]);
}
