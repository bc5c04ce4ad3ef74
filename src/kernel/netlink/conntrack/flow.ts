/**
 * Tracked connections (linux/netfilter/nfnetlink_conntrack.h): listed and deleted by protocol and destination port of their first packet, so that what comes next is
 * translated anew.
 */
import { bytesToIp, type Family, type IpAddress, ipToBytes } from "../../../address/ip.ts";
import { type Attributes, AttributeWriter, malformed, readAttributes } from "../attribute.ts";
import { messageFlag, type NetlinkMessage, type ReceivedMessage } from "../message.ts";

/** NFNL_SUBSYS_CTNETLINK with IPCTNL_MSG_CT_NEW, _GET and _DELETE. */
const subsystem = 1;
const conntrackMessage = {
  flow: subsystem << 8,
  get: (subsystem << 8) | 1,
  delete: (subsystem << 8) | 2,
} as const;

/** CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_ZONE, CTA_FILTER */
const original = 1;
const reply = 2;
const zone = 18;
const filter = 25;
/** CTA_TUPLE_IP with CTA_IP_V4_SRC, _DST, CTA_IP_V6_SRC, _DST */
const tupleIp = 1;
const ipAttribute = { 4: { source: 1, destination: 2 }, 6: { source: 3, destination: 4 } } as const;
/** CTA_TUPLE_PROTO with CTA_PROTO_NUM, _SRC_PORT, _DST_PORT */
const tupleProtocol = 2;
const protocolAttribute = { number: 1, sourcePort: 2, destinationPort: 3 } as const;
/** CTA_FILTER_ORIG_FLAGS, CTA_FILTER_REPLY_FLAGS: which fields of the first packet's addresses count; CTA_FILTER_F_CTA_PROTO_NUM, _DST_PORT (nf_internals.h). */
const filterOriginal = 1;
const filterReply = 2;
const filterFlag = { protocol: 1 << 3, destinationPort: 1 << 5 } as const;

/** AF_UNSPEC, AF_INET, AF_INET6 */
const domains: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };
/** NFNETLINK_V0 */
const version = 0;
const headerLength = 4;

/** Where the packets of one direction come from and are sent to. Ports in host order. */
export interface FlowTuple {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** IPPROTO_* */
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** A flow by its first packet. */
export interface Flow extends FlowTuple {
  /** Who answers: where the first packet was sent to, or what that was translated to. */
  readonly answerer: { readonly address: IpAddress; readonly port: number };
}

const familyIn = (address: IpAddress): Family => (address.includes(":") ? 6 : 4);

const header = (domain: number): AttributeWriter => new AttributeWriter().raw(Uint8Array.of(domain, version, 0, 0));

/**
 * Asks for the flows of a family and protocol, to one destination port or any; for a dump. Kernels from 5.8 on leave out the others themselves, older ones do not.
 * None deletes by such a filter (ctnetlink_flush_conntrack answers EOPNOTSUPP).
 */
export function getFlows(family: Family, protocol: number, destinationPort?: number): NetlinkMessage {
  const byPort = destinationPort === undefined ? 0 : filterFlag.destinationPort;
  const body = header(domains[family])
    .nested(original, (tuple) =>
      tuple.nested(tupleProtocol, (inner) => {
        inner.u8(protocolAttribute.number, protocol);
        if (destinationPort !== undefined) inner.be16(protocolAttribute.destinationPort, destinationPort);
      }),
    )
    .nested(filter, (inner) => inner.u32(filterOriginal, filterFlag.protocol | byPort).u32(filterReply, 0))
    .finish();
  return { type: conntrackMessage.get, flags: 0, body };
}

/** Asks for the flow whose answers are of that direction; not for a dump. Refused with ENOENT where none is tracked. */
export function getFlowAnsweredBy(answers: FlowTuple): NetlinkMessage {
  const family = familyIn(answers.source);
  const body = header(domains[family])
    .nested(reply, (tuple) => writeTuple(tuple, answers, family))
    .finish();
  // The answer says that more follow (NLM_F_MULTI), as in a dump, and nothing does: the acknowledgement is its end.
  return { type: conntrackMessage.get, flags: messageFlag.acknowledge, body };
}

/** Deletes one flow. */
export function deleteFlow(flow: FlowTuple): NetlinkMessage {
  const family = familyIn(flow.source);
  const body = header(domains[family])
    .nested(original, (tuple) => writeTuple(tuple, flow, family))
    .finish();
  return { type: conntrackMessage.delete, flags: 0, body };
}

function writeTuple(writer: AttributeWriter, flow: FlowTuple, family: Family): void {
  writer
    .nested(tupleIp, (ip) =>
      ip
        .bytes(ipAttribute[family].source, ipToBytes(flow.source))
        .bytes(ipAttribute[family].destination, ipToBytes(flow.destination)),
    )
    .nested(tupleProtocol, (inner) =>
      inner
        .u8(protocolAttribute.number, flow.protocol)
        .be16(protocolAttribute.sourcePort, flow.sourcePort)
        .be16(protocolAttribute.destinationPort, flow.destinationPort),
    );
}

/**
 * The flow in an answer; undefined for another message, a protocol without ports, a zone of somebody's own, or a destination port that is not `wanted`, which
 * costs little: a host can track many. Throws `kernel` where it is malformed.
 */
export function decodeFlow(
  message: ReceivedMessage,
  wanted: (destinationPort: number) => boolean = () => true,
): Flow | undefined {
  if (message.type !== conntrackMessage.flow) return undefined;
  if (message.body.length < headerLength) throw malformed("a struct nfgenmsg has 4 bytes");
  const attributes = readAttributes(message.body.subarray(headerLength));
  const first = readTuple(attributes, original, wanted);
  if (first === undefined || (attributes.get(zone)?.be16() ?? 0) !== 0) return undefined;
  const answer = readTuple(attributes, reply, () => true);
  if (answer === undefined) return undefined;
  return { ...first, answerer: { address: answer.source, port: answer.sourcePort } };
}

function readTuple(
  attributes: Attributes,
  direction: number,
  wanted: (destinationPort: number) => boolean,
): FlowTuple | undefined {
  const tuple = attributes.get(direction)?.nested();
  const ports = tuple?.get(tupleProtocol)?.nested();
  const protocol = ports?.get(protocolAttribute.number)?.u8();
  const sourcePort = ports?.get(protocolAttribute.sourcePort)?.be16();
  const destinationPort = ports?.get(protocolAttribute.destinationPort)?.be16();
  if (protocol === undefined || sourcePort === undefined || destinationPort === undefined) return undefined;
  if (!wanted(destinationPort)) return undefined;
  const ip = tuple?.get(tupleIp)?.nested();
  const [source, destination] = [readIp(ip, "source"), readIp(ip, "destination")];
  if (source === undefined || destination === undefined) return undefined;
  return { source, destination, protocol, sourcePort, destinationPort };
}

function readIp(ip: Attributes | undefined, which: "source" | "destination"): IpAddress | undefined {
  const found = ip?.get(ipAttribute[4][which]) ?? ip?.get(ipAttribute[6][which]);
  if (found === undefined) return undefined;
  const { value } = found;
  if (value.length !== 4 && value.length !== 16) throw malformed(`an address of ${value.length} bytes`);
  return bytesToIp(value);
}
