/** Events as they happen: a JSON object a line, until the client goes. */
import { Readable } from "node:stream";
import type { ControllerEvent, NetworkController } from "../../model/types.ts";
import type { App } from "../server.ts";

/** An event as text: its time, which a JSON number could not hold, is text too. */
const line = (event: ControllerEvent): string => `${JSON.stringify({ ...event, time: String(event.time) })}\n`;

async function* lines(events: AsyncIterable<ControllerEvent>): AsyncGenerator<string> {
  // Headers go out at once: the client knows from when on it is told everything.
  yield "\n";
  for await (const event of events) yield line(event);
}

export function eventRoutes(app: App, controller: NetworkController): void {
  app.get(
    "/events",
    {
      schema: { tags: ["engine"], summary: "Events from now on, a JSON object a line; `time` in nanoseconds as text" },
    },
    (_request, reply) => {
      const ended = new AbortController();
      reply.raw.once("close", () => ended.abort());
      const events = controller.events({ signal: ended.signal });
      return reply.type("application/x-ndjson").send(Readable.from(lines(events)));
    },
  );
}
