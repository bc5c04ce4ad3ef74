/** A nameserver of a test's own, in whatever namespace: what it answers is the test's to say. */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import type { TestContext } from "node:test";
import { type Answer, type DecodedPacket, decode, encode, type Packet } from "dns-packet";
import { encodeSocketAddress } from "../../src/kernel/inet/address.ts";
import { openDatagram } from "../../src/kernel/inet/datagram.ts";
import { listenStream } from "../../src/kernel/inet/stream.ts";
import { inside, messagesOf, prefixed } from "./dns-client.ts";

/** A query as it came. */
export interface Asked {
  readonly query: DecodedPacket;
  readonly packet: Buffer;
  readonly transport: "udp" | "tcp";
  /** Where it came from. */
  readonly sender: { readonly address: string; readonly port: number };
}

export interface NameserverOptions {
  readonly namespace?: string;
  readonly address?: readonly [number, number, number, number];
  readonly port?: number;
  /** What is sent back, one packet after the other; none: silence. */
  answer(asked: Asked): readonly Buffer[] | Promise<readonly Buffer[]>;
}

/** What {@link startNameserver} gives. */
export interface Nameserver {
  /** All that it was asked, in order. */
  readonly asked: Asked[];
}

/** Starts a nameserver on both transports until the test ends. */
export function startNameserver(t: TestContext, options: NameserverOptions): Nameserver {
  const { namespace, address = [127, 0, 0, 1], port = 53 } = options;
  const asked: Asked[] = [];
  const local = encodeSocketAddress(Uint8Array.from(address), port);
  const [datagrams, listener] = inside(namespace, () => [
    openDatagram({ local }),
    listenStream(local, { backlog: 64 }),
  ]);

  const answer = async (one: Asked): Promise<readonly Buffer[]> => {
    asked.push(one);
    return await options.answer(one);
  };

  const socket = createSocket("udp4");
  socket.bind({ fd: datagrams });
  socket.on("message", async (packet, sender) => {
    for (const reply of await answer({ query: decode(packet), packet, transport: "udp", sender })) {
      socket.send(reply, sender.port, sender.address);
    }
  });

  const server = createServer(async (connection) => {
    connection.on("error", () => {});
    const sender = { address: connection.remoteAddress ?? "", port: connection.remotePort ?? 0 };
    for await (const packet of messagesOf(connection)) {
      for (const reply of await answer({ query: decode(packet), packet, transport: "tcp", sender })) {
        connection.write(prefixed(reply));
      }
    }
  });
  server.listen({ fd: listener });

  t.after(() => {
    socket.close();
    server.close();
  });
  return { asked };
}

/** The answer to a query, with these records and flags; 0x8180: a response, recursion desired and available. */
export function answerTo(
  { query }: Asked,
  answers: readonly Answer[],
  more: Packet & { readonly code?: number } = {},
): Buffer {
  const { code = 0, flags = 0x8180, ...rest } = more;
  return encode({
    type: "response",
    id: query.id ?? 0,
    flags: (flags & 0x7fff) | code,
    questions: query.questions ?? [],
    answers: [...answers],
    ...rest,
  });
}

/** An address record of the name that was asked. */
export function addressRecord({ query }: Asked, data: string): Answer {
  return { name: query.questions?.[0]?.name ?? "", type: "A", ttl: 60, data };
}
