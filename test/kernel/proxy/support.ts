/** What the tests of the proxy share: servers and clients in namespaces, held by the test's own process. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { encodeSocketAddress } from "../../../src/kernel/inet/address.ts";
import { openDatagram } from "../../../src/kernel/inet/datagram.ts";
import { listenStream } from "../../../src/kernel/inet/stream.ts";
import { closeNamespace, enterNamespaceAt, openOwnNamespace } from "../../../src/kernel/namespace.ts";
import { run } from "../../support/test-host.ts";

/** The port to which the firewall leads; undefined while nothing serves. */
export function proxyPort(): number | undefined {
  const port = /tcp : (\d+)/.exec(run("nft list map inet portolan proxy"))?.[1];
  return port === undefined ? undefined : Number(port);
}

/** Does something in another namespace. */
function inside<Result>(namespace: string, work: () => Result): Result {
  const home = openOwnNamespace();
  try {
    return enterNamespaceAt(namespace, home, work);
  } finally {
    closeNamespace(home);
  }
}

/** A server at a port of all addresses of a namespace, and its connections, until disposed of. Each side of a connection ends for itself. */
export async function serveIn(
  namespace: string,
  port: number,
  onConnection: (socket: Socket) => void,
): Promise<Disposable> {
  const fd = inside(namespace, () => listenStream(encodeSocketAddress(new Uint8Array(16), port), { backlog: 1024 }));
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  server.listen({ fd });
  await once(server, "listening");
  return {
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Connects from the host. Its errors are the caller's: what becomes of it {@link endOf} tells. */
export function dial(address: string, port: number): Socket {
  const socket = connect({ host: address, port, allowHalfOpen: true });
  socket.on("error", () => undefined);
  return socket;
}

/** Everything that a socket receives until its end, or the code of its failure. */
export async function endOf(socket: Socket): Promise<Buffer | string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const { promise, resolve } = Promise.withResolvers<Buffer | string>();
  socket.once("end", () => resolve(Buffer.concat(chunks)));
  socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "failed"));
  socket.once("close", () => resolve("closed"));
  return promise;
}

/** Answers datagrams at a port of a namespace with a name and what was asked, until disposed of. */
export function answerDatagrams(namespace: string, port: number, name: string): Disposable {
  const local = encodeSocketAddress(new Uint8Array(16), port);
  const socket = createSocket("udp6", (asked, from) => socket.send(`${name} ${asked}`, from.port, from.address));
  socket.bind({ fd: inside(namespace, () => openDatagram({ local })) });
  return { [Symbol.dispose]: () => socket.close() };
}
