/**
 * Netlink messages (RFC 3549 §2.2; linux/netlink.h, struct nlmsghdr): a 16-byte header and a body. Several may follow
 * each other in one datagram.
 */
import { malformed } from "./attribute.ts";

/** A request before it is sent: the socket adds sequence number and port id. */
export interface NetlinkMessage {
  /** RTM_*, or subsystem << 8 | NFT_MSG_*. */
  readonly type: number;
  /** NLM_F_* beside NLM_F_REQUEST and NLM_F_ACK, which the socket adds. */
  readonly flags: number;
  /** Fixed structure and attributes. */
  readonly body: Uint8Array;
}

/** A message as received. */
export interface ReceivedMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  readonly body: Buffer;
}

export const headerLength = 16;

/** Message types common to all families. */
export const messageType = {
  /** NLMSG_NOOP */ noop: 1,
  /** NLMSG_ERROR: an acknowledgement where its error is 0. */ error: 2,
  /** NLMSG_DONE: the end of a dump. */ done: 3,
  /** NLMSG_OVERRUN: data lost. */ overrun: 4,
} as const;

/** NLM_F_* flags. */
export const messageFlag = {
  /** NLM_F_REQUEST */ request: 0x01,
  /** NLM_F_MULTI: part of a series closed by NLMSG_DONE. */ multi: 0x02,
  /** NLM_F_ACK: answer with an acknowledgement. */ acknowledge: 0x04,
  /** NLM_F_ECHO: send the resulting notification to the requester too. */ echo: 0x08,
  /** NLM_F_DUMP_INTR: the dumped table changed meanwhile; repeat the dump. */ dumpInterrupted: 0x10,
  /** NLM_F_DUMP_FILTERED */ dumpFiltered: 0x20,
  /** NLM_F_ROOT | NLM_F_MATCH: return the whole table. */ dump: 0x300,
  /** NLM_F_REPLACE: replace an existing object. */ replace: 0x100,
  /** NLM_F_EXCL: fail where the object exists. */ exclusive: 0x200,
  /** NLM_F_NONREC (on deletion): do not delete recursively. */ nonRecursive: 0x100,
  /** NLM_F_BULK (on deletion): delete several objects. */ bulk: 0x200,
  /** NLM_F_CREATE: create where it does not exist. */ create: 0x400,
  /** NLM_F_APPEND: add to the end of the list. */ append: 0x800,
  /** NLM_F_CAPPED (on an error): the request is not repeated. */ capped: 0x100,
  /** NLM_F_ACK_TLVS (on an error): attributes follow. */ acknowledgeAttributes: 0x200,
} as const;

const align = (length: number): number => (length + 3) & ~3;

/** The bytes of messages in a row, sequence numbers counting up from `firstSequence`. `flags` is added to each one's own. */
export function encodeMessages(messages: readonly NetlinkMessage[], firstSequence: number, flags: number): Buffer {
  const total = messages.reduce((sum, message) => sum + headerLength + align(message.body.length), 0);
  const bytes = Buffer.alloc(total);
  let at = 0;
  messages.forEach((message, index) => {
    bytes.writeUInt32LE(headerLength + message.body.length, at);
    bytes.writeUInt16LE(message.type, at + 4);
    bytes.writeUInt16LE(message.flags | flags, at + 6);
    bytes.writeUInt32LE((firstSequence + index) >>> 0, at + 8);
    bytes.set(message.body, at + headerLength);
    at += headerLength + align(message.body.length);
  });
  return bytes;
}

/** The messages of one datagram; throws `kernel` on a length that does not fit. */
export function decodeMessages(bytes: Uint8Array): readonly ReceivedMessage[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: ReceivedMessage[] = [];
  let at = 0;
  while (buffer.length - at >= headerLength) {
    const length = buffer.readUInt32LE(at);
    if (length < headerLength || at + length > buffer.length) {
      throw malformed(`message at offset ${at} claims ${length} of ${buffer.length - at} bytes`);
    }
    messages.push({
      type: buffer.readUInt16LE(at + 4),
      flags: buffer.readUInt16LE(at + 6),
      sequence: buffer.readUInt32LE(at + 8),
      portId: buffer.readUInt32LE(at + 12),
      body: buffer.subarray(at + headerLength, at + length),
    });
    at += align(length);
  }
  return messages;
}
