import { defineCommand } from "../../command.ts";
import { many } from "../../flag.ts";
import { inspectionFlags, printInspection } from "../../format.ts";

export const command = defineCommand({
  summary: "Show all there is to know of sandboxes",
  arguments: { names: many("SANDBOX", "Name, id, or the beginning of one", "sandbox") },
  flags: inspectionFlags,
  examples: [
    { line: "portolan sandbox inspect web", meaning: "as JSON" },
    { line: "portolan sandbox inspect -f '{{.Id}}' web", meaning: "one field of it" },
  ],
  async run({ names, format }, context) {
    await using client = await context.client();
    return await printInspection(context, { format }, names, (name) => client.sandbox(name));
  },
});
