import { change, changeFlags } from "../../change.ts";
import { defineCommand } from "../../command.ts";
import { filters } from "../../flag.ts";

export const command = defineCommand({
  summary: "Remove all networks that no endpoint is in",
  arguments: {},
  flags: { filters: filters(["driver", "id", "label", "name", "scope"]), ...changeFlags },
  examples: [
    { line: "portolan network prune --dry-run", meaning: "see what would be done" },
    { line: "portolan network prune --filter label=test", meaning: "only networks with a label" },
  ],
  run: (values, context) =>
    change(values, context, async (client, options) => {
      const networks = await client.pruneNetworks(values.filters, options);
      const names = networks.map(({ name }) => name);
      return { ...(names.length > 0 && { text: names.join("\n") }), json: { removed: names } };
    }),
});
