/**
 * A program on a network: started inside a namespace, it listens and dials as it is told by lines of JSON on its standard input, and answers each with a line. A
 * listener answers everybody with its own name and the address it was asked from.
 */
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

interface Order {
  readonly id: number;
  readonly verb: "listen" | "dial";
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** Address to dial, or to listen at. */
  readonly host?: string;
  /** Milliseconds after which a dial is given up. */
  readonly timeout?: number;
  /** Port to dial from. */
  readonly from?: number;
  /** Octets that a tcp dial sends before it waits for the answer. */
  readonly load?: number;
}

const name = process.argv[2] ?? "";
const answer = (id: number, value: string | null, error?: string): boolean =>
  process.stdout.write(`${JSON.stringify({ id, value, error })}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  if (order.verb === "listen") listen(order);
  else if (order.protocol === "tcp") dialTcp(order);
  else dialUdp(order);
}
process.exit(0);

function listen({ id, protocol, port, host = "::" }: Order): void {
  const failed = (error: Error): boolean => answer(id, null, error.message);
  if (protocol === "tcp") {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const from = plain(socket.remoteAddress ?? "");
      socket.on("error", () => socket.destroy());
      // The answer comes when all has come, so that a dial with a load measures how long that took.
      socket.on("end", () => socket.end(`${name} ${from}`));
      socket.resume();
    });
    server.on("error", failed);
    server.listen(port, host, () => answer(id, "listening"));
  } else {
    const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
    socket.on("message", (_message, { address, port: back }) =>
      socket.send(`${name} ${plain(address)}`, back, address),
    );
    socket.on("error", failed);
    socket.bind(port, host, () => answer(id, "listening"));
  }
}

function dialTcp({ id, host = "", port, timeout = 1000, from, load = 0 }: Order): void {
  let words = "";
  const socket = connect({ host, port, ...(from === undefined ? {} : { localPort: from }) });
  const patience = setTimeout(() => socket.destroy(new Error("timed out")), timeout);
  socket.on("connect", () => socket.end(Buffer.alloc(load)));
  socket.on("data", (chunk) => {
    words += chunk.toString();
  });
  socket.on("error", (error) => {
    words = "";
    clearTimeout(patience);
    answer(id, null, error.message);
    id = -1;
  });
  socket.on("close", () => {
    clearTimeout(patience);
    if (id !== -1) answer(id, words === "" ? null : words);
  });
}

function dialUdp({ id, host = "", port, timeout = 1000, from }: Order): void {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const finish = (value: string | null, error?: string): void => {
    clearInterval(again);
    clearTimeout(patience);
    socket.close();
    answer(id, value, error);
  };
  const send = (): void => socket.send("who", port, host, () => {});
  const patience = setTimeout(() => finish(null, "timed out"), timeout);
  const again = setInterval(send, 150);
  socket.on("message", (message) => finish(message.toString()));
  // Refused is what a datagram hears as well; another may be answered.
  socket.on("error", () => {});
  socket.bind(from ?? 0, undefined, send);
}

/** An IPv4 address as such where a socket of both families names it. */
function plain(address: string): string {
  return address.replace(/^::ffff:/, "");
}
