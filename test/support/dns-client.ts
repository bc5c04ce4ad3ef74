/** Asks a nameserver from inside a namespace, by real sockets: one question at a time, or raw bytes. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { Socket } from "node:net";
import { type DecodedPacket, decode, encode, type Packet, type RecordType } from "dns-packet";
import { encodeSocketAddress } from "../../src/kernel/inet/address.ts";
import { openDatagram } from "../../src/kernel/inet/datagram.ts";
import { closeNamespace, enterNamespaceAt, openOwnNamespace } from "../../src/kernel/namespace.ts";
import { bind, connect, socket } from "../../src/kernel/syscalls.ts";

/** Where to ask, and from where. */
export interface Place {
  /** Path of a namespace; default: the test's own host. */
  readonly namespace?: string;
  /** Default 127.0.0.11. */
  readonly address?: readonly [number, number, number, number];
  /** Default 53. */
  readonly port?: number;
  readonly transport?: "udp" | "tcp";
  /** Address to ask from; default: any. */
  readonly source?: readonly [number, number, number, number];
  /** How long to wait for an answer, milliseconds; default 8,000. */
  readonly patience?: number;
}

/** Runs `work` in a namespace of the test's and comes back. */
export function inside<Result>(namespace: string | undefined, work: () => Result): Result {
  if (namespace === undefined) return work();
  const home = openOwnNamespace();
  try {
    return enterNamespaceAt(namespace, home, work);
  } finally {
    closeNamespace(home);
  }
}

const peerOf = ({ address = [127, 0, 0, 11], port = 53 }: Place): Uint8Array =>
  encodeSocketAddress(Uint8Array.from(address), port);

/** An address, any port. */
const sourceOf = ({ source = [0, 0, 0, 0] }: Place): Uint8Array => encodeSocketAddress(Uint8Array.from(source), 0);

let lastId = 0;

/** The wire form of a query with recursion desired and an id of its own. */
export function queryFor(name: string, type: RecordType, more: Packet = {}): Buffer {
  lastId = (lastId + 1) & 0xffff;
  return encode({ type: "query", id: lastId, flags: 0x0100, questions: [{ name, type, class: "IN" }], ...more });
}

/** Sends a packet and gives the answer; undefined where none comes in time. */
export async function exchange(query: Buffer, place: Place = {}): Promise<Buffer | undefined> {
  return place.transport === "tcp" ? await exchangeByStream(query, place) : await exchangeByDatagram(query, place);
}

async function exchangeByDatagram(query: Buffer, place: Place): Promise<Buffer | undefined> {
  const fd = inside(place.namespace, () => openDatagram({ local: sourceOf(place) }));
  const client = createSocket("udp4");
  try {
    client.bind({ fd });
    const answer = once(client, "message", { signal: AbortSignal.timeout(place.patience ?? 8000) });
    client.send(query, place.port ?? 53, (place.address ?? [127, 0, 0, 11]).join("."));
    const [message] = await answer;
    return message as Buffer; // what "message" gives first
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") return undefined;
    throw error;
  } finally {
    client.close();
  }
}

/** SOCK_STREAM | SOCK_CLOEXEC, AF_INET: connected before Node takes it. */
const stream = 1 | 0o2000000;
const inet = 2;

/** A connection to a nameserver. */
export function connectTo(place: Place): Socket {
  const fd = inside(place.namespace, () => {
    const made = socket(inet, stream, 0);
    bind(made, sourceOf(place));
    connect(made, peerOf(place));
    return made;
  });
  return new Socket({ fd });
}

/** A message with its length before it. */
export function prefixed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The messages that come by a connection, each as soon as it is whole. */
export async function* messagesOf(connection: Socket): AsyncIterable<Buffer> {
  let read = Buffer.alloc(0);
  for await (const chunk of connection) {
    read = Buffer.concat([read, chunk]);
    while (read.length >= 2 && read.length >= 2 + read.readUInt16BE(0)) {
      const end = 2 + read.readUInt16BE(0);
      yield read.subarray(2, end);
      read = read.subarray(end);
    }
  }
}

async function exchangeByStream(query: Buffer, place: Place): Promise<Buffer | undefined> {
  const connection = connectTo(place);
  connection.setTimeout(place.patience ?? 8000, () => connection.destroy());
  connection.write(prefixed(query));
  for await (const message of messagesOf(connection)) {
    connection.destroy();
    return message;
  }
  return undefined;
}

/** Asks a question and decodes the answer; fails where none comes. */
export async function ask(
  name: string,
  type: RecordType,
  place: Place = {},
  more: Packet = {},
): Promise<DecodedPacket> {
  const answer = await exchange(queryFor(name, type, more), place);
  if (answer === undefined) throw new Error(`no answer to ${name} ${type}`);
  return decode(answer);
}

/** What an answer says, in one line: its code, and the data of its records. */
export function told(answer: DecodedPacket): string {
  const data = (answer.answers ?? []).map((record) => ("data" in record ? String(record.data) : record.type));
  return [rcodeOf(answer), ...data].join(" ");
}

const codes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

function rcodeOf({ flags = 0 }: DecodedPacket): string {
  return codes[flags & 0xf] ?? `RCODE${flags & 0xf}`;
}
