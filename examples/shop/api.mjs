// Asks the database for the stock of an article and gives it as JSON: GET /stock/compass
import { createServer } from "node:http";
import { connect } from "node:net";

const [host, port] = process.env.DATABASE.split(":");

function stockOf(article) {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => socket.write(`${article}\n`));
    socket.setTimeout(1000, () => socket.destroy(new Error("the database does not answer")));
    socket.once("data", (line) => {
      socket.end();
      resolve(Number(line));
    });
    socket.once("error", reject);
  });
}

createServer(async (request, response) => {
  const article = request.url.split("/").at(-1);
  try {
    response.end(JSON.stringify({ article, stock: await stockOf(article) }));
  } catch (error) {
    response.statusCode = 502;
    response.end(JSON.stringify({ article, error: error.message }));
  }
}).listen(8081, "::");
