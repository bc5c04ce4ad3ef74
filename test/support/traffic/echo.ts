/** A process that sends back whatever it is sent, over TCP at the ports of its command line; says a line when it listens. */
import { once } from "node:events";
import { createServer } from "node:net";

for (const port of process.argv.slice(2)) {
  const server = createServer((socket) => {
    // Its other end tells what breaks.
    socket.on("error", () => {});
    socket.setNoDelay(true).pipe(socket);
  });
  server.listen({ port: Number(port), host: "::", backlog: 4096 });
  await once(server, "listening");
}
console.log("ready");
