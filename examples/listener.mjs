// Listens on the TCP port given and greets whoever connects.
import { createServer } from "node:net";

createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.end("ahoy\n");
}).listen(Number(process.argv[2]), "::");
