/** Many sandboxes that ask all at once, from one thread, by real sockets in each: counts what is answered. */
import { encode, type RecordType } from "dns-packet";
import { encodeSocketAddress } from "../../src/kernel/inet/address.ts";
import { DatagramBatch, openDatagram } from "../../src/kernel/inet/datagram.ts";
import { closeNamespace, enterNamespaceAt, openOwnNamespace } from "../../src/kernel/namespace.ts";
import { Poll, readiness } from "../../src/kernel/poll.ts";
import { closeSocket, sendSome } from "../../src/kernel/syscalls.ts";

export interface Flood {
  readonly namespaces: readonly string[];
  /** What each of them asks, all of it at once. */
  readonly questions: readonly (readonly [name: string, type: RecordType])[];
  /** How long to wait for the rest, milliseconds. */
  readonly patience: number;
}

export interface FloodResult {
  readonly sent: number;
  /** Answers without an error, each under the id of a query that waited. */
  readonly answered: number;
  /** From the first query to the last answer, milliseconds. */
  readonly took: number;
}

const resolver = encodeSocketAddress(Uint8Array.of(127, 0, 0, 11), 53);
/** Room for all answers: what is lost must not be lost here. */
const receiveBuffer = 1 << 20;
const slots = 64;
const slotLength = 4096;
const codeBits = 0x0f;

export function floodNames({ namespaces, questions, patience }: Flood): FloodResult {
  const home = openOwnNamespace();
  const poll = new Poll(slots);
  const batch = new DatagramBatch(slots, slotLength);
  const packets = questions.map(([name, type], id) =>
    encode({ type: "query", id, flags: 0x0100, questions: [{ name, type, class: "IN" }] }),
  );
  /** By descriptor: the ids that wait for an answer. */
  const waiting = new Map<number, Set<number>>();
  for (const namespace of namespaces) {
    const fd = enterNamespaceAt(namespace, home, () => openDatagram({ peer: resolver, receiveBuffer }));
    poll.add(fd, readiness.readable);
    waiting.set(fd, new Set(questions.keys()));
  }
  let answered = 0;
  const collect = (milliseconds: number): void => {
    const ready = poll.wait(milliseconds);
    for (let event = 0; event < ready; event++) {
      const fd = poll.descriptorOf(event);
      const count = batch.receive(fd);
      for (let slot = 0; slot < count; slot++) {
        const start = slot * slotLength;
        const isGood = ((batch.bytes[start + 3] ?? 0) & codeBits) === 0;
        if (waiting.get(fd)?.delete(batch.bytes.readUInt16BE(start)) && isGood) answered++;
      }
    }
  };
  const start = performance.now();
  for (const packet of packets) {
    for (const fd of waiting.keys()) sendSome(fd, packet);
    collect(0);
  }
  const sent = packets.length * namespaces.length;
  let last = performance.now();
  for (let before = answered; answered < sent && performance.now() - last < patience; before = answered) {
    collect(100);
    if (answered > before) last = performance.now();
  }
  const took = last - start;
  for (const fd of waiting.keys()) closeSocket(fd);
  poll.close();
  closeNamespace(home);
  return { sent, answered, took };
}
