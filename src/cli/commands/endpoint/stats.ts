import { defineCommand } from "../../command.ts";
import { any, filters } from "../../flag.ts";
import { listingFlags, printListing } from "../../format.ts";

export const command = defineCommand({
  summary: "Show what endpoints have received and sent, as their sandboxes see it",
  arguments: { names: any("ENDPOINT", "Name, id, or the beginning of one (default: all in sandboxes)", "endpoint") },
  flags: { filters: filters(["id", "label", "name", "network", "sandbox"]), ...listingFlags },
  examples: [
    { line: "portolan endpoint stats", meaning: "all endpoints that have an interface" },
    {
      line: "portolan endpoint stats --filter sandbox=web --format json",
      meaning: "those of a sandbox, for a program",
    },
    { line: "portolan endpoint stats --format '{{.Name}} {{.Rx.Bytes}}' 4f2c", meaning: "what one has received" },
  ],
  async run({ names, ...values }, context) {
    await using client = await context.client();
    const statistics =
      names.length === 0
        ? await client.statistics(values.filters)
        : await Promise.all(names.map((name) => client.endpointStatistics(name)));
    printListing(context, values, statistics, [
      "ENDPOINT ID",
      ["NETWORK", ({ network }) => network.name],
      ["SANDBOX", ({ sandbox }) => sandbox.name],
      ["INTERFACE", ({ interfaceName }) => interfaceName],
      ["RX BYTES", ({ rx }) => String(rx.bytes)],
      ["RX PACKETS", ({ rx }) => String(rx.packets)],
      ["RX ERRORS", ({ rx }) => String(rx.errors)],
      ["RX DROPPED", ({ rx }) => String(rx.dropped)],
      ["TX BYTES", ({ tx }) => String(tx.bytes)],
      ["TX PACKETS", ({ tx }) => String(tx.packets)],
      ["TX ERRORS", ({ tx }) => String(tx.errors)],
      ["TX DROPPED", ({ tx }) => String(tx.dropped)],
    ]);
  },
});
