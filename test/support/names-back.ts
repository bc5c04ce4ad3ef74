/** Waits for names in many sandboxes, from one thread, by real sockets in each: asks again and again, the first one alone until it is answered, then all others. */
import { encode } from "dns-packet";
import { encodeSocketAddress } from "../../src/kernel/inet/address.ts";
import { DatagramBatch, openDatagram } from "../../src/kernel/inet/datagram.ts";
import { closeNamespace, enterNamespaceAt, openOwnNamespace } from "../../src/kernel/namespace.ts";
import { Poll, readiness } from "../../src/kernel/poll.ts";
import { closeSocket, sendSome } from "../../src/kernel/syscalls.ts";

export interface Asked {
  readonly namespaces: readonly string[];
  /** A name with an IPv4 address that all of them know. */
  readonly name: string;
  /** How long to wait for the last, milliseconds. */
  readonly patience: number;
}

/** How often they ask, milliseconds. */
const interval = 10;
const resolver = encodeSocketAddress(Uint8Array.of(127, 0, 0, 11), 53);
const slots = 64;
const slotLength = 512;

/** Milliseconds since this began after which each of them had its answer, in the order of the answers; who has none in time is not among them. */
export function answeredAfter({ namespaces, name, patience }: Asked): readonly number[] {
  const home = openOwnNamespace();
  const poll = new Poll(slots);
  const batch = new DatagramBatch(slots, slotLength);
  const query = encode({ type: "query", id: 1, flags: 0x0100, questions: [{ name, type: "A", class: "IN" }] });
  const waiting = new Set<number>();
  const times: number[] = [];
  const start = performance.now();
  for (const namespace of namespaces) {
    const fd = enterNamespaceAt(namespace, home, () => openDatagram({ peer: resolver }));
    poll.add(fd, readiness.readable);
    waiting.add(fd);
  }
  while (waiting.size > 0 && performance.now() - start < patience) {
    // Whoever is not served has the kernel say so at once: a thousand of them would take the time that they measure.
    for (const fd of times.length === 0 ? waiting.keys().take(1) : waiting) sendSome(fd, query);
    const next = performance.now() + interval;
    for (let rest: number = interval; rest > 0 && waiting.size > 0; rest = next - performance.now()) {
      const ready = poll.wait(Math.ceil(rest));
      for (let event = 0; event < ready; event++) {
        const fd = poll.descriptorOf(event);
        // Where nobody listens the kernel says so instead: that is taken here, too.
        if (batch.receive(fd) <= 0 || !waiting.delete(fd)) continue;
        times.push(performance.now() - start);
        closeSocket(fd);
      }
    }
  }
  for (const fd of waiting) closeSocket(fd);
  poll.close();
  closeNamespace(home);
  return times;
}
