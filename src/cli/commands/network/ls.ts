import { defineCommand } from "../../command.ts";
import { filters } from "../../flag.ts";
import { listingFlags, printListing } from "../../format.ts";

export const command = defineCommand({
  summary: "List networks",
  arguments: {},
  flags: { filters: filters(["driver", "id", "label", "name", "scope", "type", "dangling"]), ...listingFlags },
  examples: [
    { line: "portolan network ls", meaning: "all networks" },
    { line: "portolan network ls --filter driver=bridge --format json", meaning: "some of them, for a program" },
  ],
  async run(values, context) {
    await using client = await context.client();
    const networks = await client.networks(values.filters);
    printListing(context, values, networks, [
      "NETWORK ID",
      ["NAME", ({ name }) => name],
      ["DRIVER", ({ driver }) => driver],
      ["SCOPE", ({ scope }) => scope],
      ["SUBNETS", ({ ipam }) => ipam.pools.map(({ subnet }) => subnet).join(", ")],
      ["SANDBOXES", ({ endpoints }) => String(endpoints.filter(({ sandbox }) => sandbox).length)],
    ]);
  },
});
