import { defineCommand } from "../../command.ts";
import { many } from "../../flag.ts";
import { inspectionFlags, printInspection } from "../../format.ts";

export const command = defineCommand({
  summary: "Show all there is to know of networks",
  arguments: { names: many("NETWORK", "Name, id, or the beginning of one", "network") },
  flags: inspectionFlags,
  examples: [
    { line: "portolan network inspect front", meaning: "as JSON" },
    { line: "portolan network inspect -f '{{.Id}}' front", meaning: "one field of it" },
  ],
  async run({ names, format }, context) {
    await using client = await context.client();
    return await printInspection(context, { format }, names, (name) => client.network(name));
  },
});
