// Stands in for a database: answers every line with the stock of the article it names.
import { createServer } from "node:net";
import { createInterface } from "node:readline";

const stock = new Map([
  ["compass", 12],
  ["sextant", 3],
  ["portolan", 1],
]);

createServer((socket) => {
  socket.on("error", () => socket.destroy());
  createInterface({ input: socket }).on("line", (article) => socket.write(`${stock.get(article) ?? 0}\n`));
}).listen(5432, "::");
