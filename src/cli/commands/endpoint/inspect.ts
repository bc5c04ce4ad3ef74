import { defineCommand } from "../../command.ts";
import { many } from "../../flag.ts";
import { inspectionFlags, printInspection } from "../../format.ts";

export const command = defineCommand({
  summary: "Show all there is to know of endpoints",
  arguments: { names: many("ENDPOINT", "Name, id, or the beginning of one", "endpoint") },
  flags: inspectionFlags,
  examples: [
    { line: "portolan endpoint inspect 4f2c", meaning: "as JSON" },
    { line: "portolan endpoint inspect -f '{{.Id}}' 4f2c", meaning: "one field of it" },
  ],
  async run({ names, format }, context) {
    await using client = await context.client();
    return await printInspection(context, { format }, names, (name) => client.endpoint(name));
  },
});
