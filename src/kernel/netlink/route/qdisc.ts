/** Queueing disciplines of links: RTM_*QDISC (linux/rtnetlink.h, struct tcmsg; linux/pkt_sched.h; man 8 tc, tc-tbf). */
import { type Attribute, AttributeWriter, malformed } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import {
  addressFamily,
  attributesAfter,
  type CreateMode,
  createFlags,
  type MessageBody,
  readHeader,
  routeMessage,
} from "./rtnetlink.ts";

/** TCA_* attribute types. */
const attribute = {
  /** TCA_KIND */ kind: 1,
  /** TCA_OPTIONS */ options: 2,
} as const;

/** TCA_TBF_* attribute types, inside TCA_OPTIONS. */
const bucketAttribute = {
  /** TCA_TBF_PARMS: struct tc_tbf_qopt. */ parameters: 1,
  /** TCA_TBF_RATE64: a rate of more than 32 bits. */ rate64: 4,
  /** TCA_TBF_BURST */ burst: 6,
} as const;

/** Bytes of struct tcmsg, and of struct tc_tbf_qopt: two struct tc_ratespec of 12 bytes, limit, buffer, mtu. */
const headerLength = 20;
const parametersLength = 36;

/** TC_H_ROOT: the parent of what all of a link's packets pass. */
export const rootParent = 0xffffffff;
/** TC_LINKLAYER_ETHERNET: the kernel counts time per packet itself, and needs no table of it. */
const ethernet = 1;
const u32Max = 0xffffffff;

/** Nanoseconds of a tick in which the kernel tells times (PSCHED_SHIFT; the second number of /proc/net/psched). */
export const tickLength = 64;

/** A token bucket filter: what leaves a link is held back to a rate. */
export interface TokenBucket {
  /** Bytes per second. */
  readonly rate: number;
  /** Bytes that may leave at once after a pause; less than 2^32. No packet that is longer ever leaves. */
  readonly burst: number;
  /** How long a packet may wait, microseconds; what would wait longer is dropped. */
  readonly latency: number;
}

/** The same as the kernel keeps it. */
export interface TokenBucketInfo {
  readonly rate: number;
  /** Bytes that may wait. */
  readonly limit: number;
  /** How long the burst takes at that rate, ticks of {@link tickLength}. */
  readonly buffer: number;
}

/** A queueing discipline at the root of a link. */
export interface RootQueue {
  /** Index of the link. */
  readonly link: number;
  /** Major and minor number (TC_H_MAKE). */
  readonly handle: number;
}

/** A queueing discipline as the kernel tells it. */
export interface QueueInfo extends RootQueue {
  /** {@link rootParent} or the handle of a class. */
  readonly parent: number;
  readonly kind: string;
  /** What a token bucket filter (`tbf`) has; undefined for other kinds. */
  readonly bucket: TokenBucketInfo | undefined;
}

/** What the kernel makes of a bucket; `buffer` may come out one tick off. */
export function bucketInfo({ rate, burst, latency }: TokenBucket): TokenBucketInfo {
  return {
    rate,
    limit: Math.min(u32Max, Math.trunc((rate * latency) / 1e6 + burst)),
    buffer: Math.min(u32Max, Math.trunc(((burst / rate) * 1e9) / tickLength)),
  };
}

/** The bucket that was asked for, but for roundings. */
export function bucketOf({ rate, limit, buffer }: TokenBucketInfo): TokenBucket {
  if (rate === 0) return { rate, burst: 0, latency: 0 };
  const burst = Math.round((buffer * tickLength * rate) / 1e9);
  return { rate, burst, latency: Math.max(0, Math.round(((limit - burst) / rate) * 1e6)) };
}

/** Puts a token bucket filter at the root of a link; "exclusive" is refused with EEXIST where one with a handle is there. */
export function createTokenBucket(
  queue: RootQueue,
  bucket: TokenBucket,
  mode: Exclude<CreateMode, "append"> = "exclusive",
): NetlinkMessage {
  const { rate, limit, buffer } = bucketInfo(bucket);
  const parameters = Buffer.alloc(parametersLength);
  parameters.writeUInt8(ethernet, 1);
  parameters.writeUInt32LE(Math.min(rate, u32Max), 8);
  // The peak rate, 12 bytes at 12, is not limited.
  parameters.writeUInt32LE(limit, 24);
  parameters.writeUInt32LE(buffer, 28);
  const writer = queueWriter(queue).string(attribute.kind, "tbf");
  writer.nested(attribute.options, (options) => {
    if (rate > u32Max) options.u64(bucketAttribute.rate64, BigInt(rate));
    options.bytes(bucketAttribute.parameters, parameters);
    options.u32(bucketAttribute.burst, bucket.burst);
  });
  return { type: routeMessage.newQueue, flags: createFlags[mode], body: writer.finish() };
}

/** Removes the queueing discipline at the root of a link; refused with EINVAL where that has another handle, ENOENT where it is the kernel's own choice. */
export function deleteQueue(queue: RootQueue): NetlinkMessage {
  return { type: routeMessage.deleteQueue, flags: 0, body: queueWriter(queue).finish() };
}

/** Asks for the queueing disciplines of all links. */
export function dumpQueues(): NetlinkMessage {
  return { type: routeMessage.getQueue, flags: 0, body: new Uint8Array(headerLength) };
}

function queueWriter({ link, handle }: RootQueue): AttributeWriter {
  const header = Buffer.alloc(headerLength);
  header[0] = addressFamily.unspecified;
  header.writeInt32LE(link, 4);
  header.writeUInt32LE(handle, 8);
  header.writeUInt32LE(rootParent, 12);
  return new AttributeWriter(128).raw(header);
}

/** Reads a queueing discipline; throws `kernel` on malformed bytes. */
export function decodeQueue(message: MessageBody): QueueInfo {
  const header = readHeader(message.body, headerLength);
  const attributes = attributesAfter(message.body, headerLength);
  const kind = attributes.get(attribute.kind)?.string() ?? "";
  const options = attributes.get(attribute.options);
  return {
    link: header.readInt32LE(4),
    handle: header.readUInt32LE(8),
    parent: header.readUInt32LE(12),
    kind,
    bucket: kind === "tbf" && options !== undefined ? readBucket(options) : undefined,
  };
}

function readBucket(options: Attribute): TokenBucketInfo | undefined {
  const attributes = options.nested();
  const parameters = attributes.get(bucketAttribute.parameters)?.value;
  if (parameters === undefined) return undefined;
  if (parameters.length < parametersLength)
    throw malformed(`a token bucket has ${parameters.length} bytes, not ${parametersLength}`);
  const rate64 = attributes.get(bucketAttribute.rate64)?.u64();
  return {
    rate: rate64 === undefined ? parameters.readUInt32LE(8) : Number(rate64),
    limit: parameters.readUInt32LE(24),
    buffer: parameters.readUInt32LE(28),
  };
}
