/** The process of a peer (peers.ts): answers on ports with its name, the port and the address that it sees, and asks others. */
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import type { Question, Told } from "./peers.ts";

const [name = ""] = process.argv.slice(2);
/** How long an answer may take, milliseconds: longer than TCP waits until it tries again. */
const patience = 1500;
/** From one datagram to the next, milliseconds. */
const insistence = 300;

const words = (port: number, address = ""): string => `${name} ${port} ${address.replace("::ffff:", "")}\n`;

async function serve(port: number): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<void>();
  createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(words(port, socket.remoteAddress));
  }).listen(port, "::", resolve);
  await promise;
  const udp = createSocket("udp6");
  udp.on("message", (_, from) => udp.send(words(port, from.address), from.port, from.address));
  udp.on("error", () => undefined);
  await new Promise<void>((bound) => udp.bind(port, "::", bound));
  return undefined;
}

/** What is answered, or undefined: nothing, or a refusal. */
function ask({ protocol, address, port, from }: Question): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const said = (data: Buffer): void => resolve(data.toString().trim());
  const failed = (): void => resolve(undefined);
  setTimeout(failed, patience);
  if (protocol === "tcp") {
    const socket = connect({ host: address, port, ...(from && { localAddress: from }) });
    socket.once("data", said).once("error", failed);
    return promise.finally(() => socket.destroy());
  }
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.once("message", said).once("error", failed);
  const send = (): void => socket.send("hello", port, address, (error) => error && failed());
  socket.bind(0, from, send);
  const again = setInterval(send, insistence);
  return promise.finally(() => {
    clearInterval(again);
    socket.close();
  });
}

process.on("message", async (told: Told) => {
  const answer = "serve" in told ? await serve(told.serve) : await ask(told.ask);
  process.send?.({ id: told.id, answer });
});
