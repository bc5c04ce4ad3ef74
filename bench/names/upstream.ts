/**
 * A nameserver that costs next to nothing, for what resolvers forward: answers every name with one address. A process of its own, so that it stands to each of
 * them as any other would. Arguments: path of the namespace, and the IPv4 address to listen at.
 */
import { encodeSocketAddress } from "../../src/kernel/inet/address.ts";
import { DatagramBatch, openDatagram } from "../../src/kernel/inet/datagram.ts";
import { closeNamespace, enterNamespaceAt, openOwnNamespace } from "../../src/kernel/namespace.ts";
import { Poll, readiness } from "../../src/kernel/poll.ts";

const [, , namespace = "", address = ""] = process.argv;
const local = encodeSocketAddress(Uint8Array.from(address.split(".").map(Number)), 53);
const home = openOwnNamespace();
const fd = enterNamespaceAt(namespace, home, () => openDatagram({ local, receiveBuffer: 1 << 22 }));
closeNamespace(home);

/** The question's name, A, IN, a minute, 192.0.2.1 (RFC 1035 §4.1.3). */
const record = Buffer.from("c00c000100010000003c0004c0000201", "hex");
/** What dnsperf and resolvers send: a header, and a question without anything behind it. */
const header = 12;

const poll = new Poll(1);
poll.add(fd, readiness.readable);
const batch = new DatagramBatch(64, 4096);
process.send?.("ready");
for (;;) {
  poll.wait(-1);
  const count = batch.receive(fd);
  for (let slot = 0; slot < count; slot++) {
    const start = slot * batch.slotLength;
    let end = start + header;
    while (batch.bytes[end] !== 0) end += 1 + (batch.bytes[end] ?? 0);
    end += 5;
    batch.bytes.set([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], start + 2);
    record.copy(batch.bytes, end);
    batch.answer(fd, slot, end + record.length - start);
  }
}
