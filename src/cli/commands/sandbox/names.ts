import { defineCommand } from "../../command.ts";
import { one } from "../../flag.ts";
import { listingFlags, printListing } from "../../format.ts";

// What would be cut short in the first column are names.
const { noTrunc: _, ...shown } = listingFlags;

export const command = defineCommand({
  summary: "List the names that a sandbox resolves",
  details:
    "Those that this engine answers itself, in the order in which networks are asked; every other name is asked of the sandbox's nameservers.",
  arguments: { sandbox: one("SANDBOX", "Name, id, or the beginning of one", "sandbox") },
  flags: shown,
  examples: [
    { line: "portolan sandbox names web", meaning: "what web finds by name" },
    { line: "portolan sandbox names web --format '{{.Name}} {{.Addresses}}'", meaning: "names and addresses alone" },
  ],
  async run({ sandbox, ...values }, context) {
    await using client = await context.client();
    const names = await client.namesOf(sandbox);
    printListing(
      context,
      { ...values, noTrunc: true },
      names.map((one) => ({ id: one.name, ...one })),
      [
        "NAME",
        ["ADDRESSES", ({ addresses }) => addresses.join(", ")],
        ["NETWORK", ({ network }) => network ?? ""],
        ["SANDBOX", ({ sandbox: there }) => there ?? ""],
      ],
    );
  },
});
