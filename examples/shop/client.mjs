// A customer who looks at the shop's page every second and writes down what it says.
import { setInterval } from "node:timers/promises";

for await (const _ of setInterval(1000)) {
  try {
    const page = await fetch(`http://${process.env.WEB}/`, { signal: AbortSignal.timeout(1000) });
    process.stdout.write(await page.text());
  } catch (error) {
    console.log(`the shop does not answer: ${error.message}`);
  }
}
