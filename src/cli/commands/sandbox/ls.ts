import { addressOf } from "../../../address/cidr.ts";
import { defineCommand } from "../../command.ts";
import { filters } from "../../flag.ts";
import { listingFlags, printListing } from "../../format.ts";

export const command = defineCommand({
  summary: "List sandboxes",
  arguments: {},
  flags: { filters: filters(["id", "label", "name", "network"]), ...listingFlags },
  examples: [
    { line: "portolan sandbox ls", meaning: "all sandboxes" },
    { line: "portolan sandbox ls --filter network=front --format '{{.Name}}'", meaning: "names of those in a network" },
  ],
  async run(values, context) {
    await using client = await context.client();
    const sandboxes = await client.sandboxes(values.filters);
    printListing(context, values, sandboxes, [
      "SANDBOX ID",
      ["NAME", ({ name }) => name],
      ["NETWORKS", ({ endpoints }) => endpoints.map(({ network }) => network.name).join(", ")],
      [
        "ADDRESSES",
        ({ endpoints }) =>
          endpoints
            .flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
            .flatMap((address) => (address === undefined ? [] : [addressOf(address)]))
            .join(", "),
      ],
      ["NAMESPACE", ({ namespace }) => namespace],
    ]);
  },
});
