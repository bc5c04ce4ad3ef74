import { defineCommand } from "../../command.ts";
import { filters } from "../../flag.ts";
import { listingFlags, printListing } from "../../format.ts";

export const command = defineCommand({
  summary: "List endpoints",
  arguments: {},
  flags: { filters: filters(["id", "label", "name", "network", "sandbox"]), ...listingFlags },
  examples: [
    { line: "portolan endpoint ls", meaning: "all endpoints" },
    { line: "portolan endpoint ls --filter sandbox=web", meaning: "those of a sandbox" },
  ],
  async run(values, context) {
    await using client = await context.client();
    const endpoints = await client.endpoints(values.filters);
    printListing(context, values, endpoints, [
      "ENDPOINT ID",
      ["NETWORK", ({ network }) => network.name],
      ["SANDBOX", ({ sandbox }) => sandbox?.name ?? ""],
      ["INTERFACE", ({ interfaceName }) => interfaceName ?? ""],
      ["IPV4", ({ ipv4 }) => ipv4 ?? ""],
      ["IPV6", ({ ipv6 }) => ipv6 ?? ""],
      ["MAC", ({ mac }) => mac ?? ""],
    ]);
  },
});
