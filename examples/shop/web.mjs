// The shop's page: asks the API for what is there.
import { createServer } from "node:http";

createServer(async (_request, response) => {
  try {
    const answer = await fetch(`http://${process.env.API}/stock/compass`, { signal: AbortSignal.timeout(1000) });
    const { article, stock } = await answer.json();
    response.end(`${stock} of article ${article} in stock\n`);
  } catch (error) {
    response.statusCode = 502;
    response.end(`the API does not answer: ${error.message}\n`);
  }
}).listen(8080, "::");
