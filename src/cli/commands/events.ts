import { defineCommand } from "../command.ts";
import { eventLine, eventMatches } from "../event-line.ts";
import { statusOf } from "../failure.ts";
import { choice, filters } from "../flag.ts";
import { jsonText } from "../format.ts";

export const command = defineCommand({
  summary: "Show what happens, as it happens",
  details: "Events come from the daemon; without one there is nothing to listen to. Ends with SIGINT.",
  arguments: {},
  flags: {
    filters: filters(["type", "action", "id", "name", "label"]),
    format: choice("--format FORMAT", "text, or json (one object a line)", ["text", "json"]),
  },
  examples: [
    { line: "portolan events", meaning: "all of them" },
    { line: "portolan events --filter type=endpoint --format json", meaning: "some of them, for a program" },
  ],
  async run(values, { globals, output, signal }) {
    const { connectClient } = await import("../../api/client.ts");
    await using client = await connectClient(globals.socket);
    const ended = AbortSignal.any([signal, output.closed]);
    for await (const event of client.events({ signal: ended })) {
      if (!eventMatches(event, values.filters)) continue;
      output.line(values.format === "json" ? jsonText(event) : eventLine(event));
    }
    return signal.aborted ? statusOf(signal.reason) : 0;
  },
});
