import { portText } from "../../../address/port.ts";
import { defineCommand } from "../../command.ts";
import { filters } from "../../flag.ts";
import { listingFlags, printListing } from "../../format.ts";

export const command = defineCommand({
  summary: "List published ports",
  arguments: {},
  flags: { filters: filters(["id", "label", "name", "network", "sandbox"]), ...listingFlags },
  examples: [
    { line: "portolan port ls", meaning: "all published ports" },
    { line: "portolan port ls --filter sandbox=web", meaning: "those of a sandbox" },
    { line: "portolan port ls --format '{{.Sandbox}} {{.Text}}'", meaning: "as they are written to publish them" },
  ],
  async run(values, context) {
    await using client = await context.client();
    const ports = (await client.ports(values.filters)).map(({ endpoint, network, sandbox, held, ...port }) => ({
      id: endpoint.id,
      network: network.name,
      ...(sandbox !== undefined && { sandbox: sandbox.name }),
      ...port,
      text: portText(port),
      held,
    }));
    printListing(context, values, ports, [
      "ENDPOINT ID",
      ["NETWORK", ({ network }) => network],
      ["SANDBOX", ({ sandbox }) => sandbox ?? ""],
      ["PUBLISHED", ({ text }) => text],
      ["HELD", ({ held }) => (held ? "yes" : "no")],
    ]);
  },
});
