import { defineCommand } from "../../command.ts";
import { timeText } from "../../event-line.ts";
import { one } from "../../flag.ts";
import { listingFlags, printListing } from "../../format.ts";

// What would be cut short in the first column are names.
const { noTrunc: _, ...shown } = listingFlags;

export const command = defineCommand({
  summary: "Show what a sandbox asked its resolver, and what was answered",
  details:
    "The last queries, oldest first, with the reason where a name did not resolve. Needs a daemon, which answers them.",
  arguments: { sandbox: one("SANDBOX", "Name, id, or the beginning of one", "sandbox") },
  flags: shown,
  examples: [
    { line: "portolan sandbox queries web", meaning: "why does web not find a name?" },
    { line: "portolan sandbox queries web --format json", meaning: "for a program to read" },
  ],
  async run({ sandbox, ...values }, context) {
    await using client = await context.client();
    const { queries } = await client.queriesOf(sandbox);
    const rows = queries.map(({ time, ...query }) => ({ id: query.name, time: timeText(BigInt(time)), ...query }));
    printListing(context, { ...values, noTrunc: true }, rows, [
      "NAME",
      ["TYPE", ({ type }) => type],
      ["CODE", ({ code }) => code],
      ["FROM", ({ from }) => from],
      ["BY", ({ transport }) => transport],
      ["TIME", ({ time }) => time],
      ["REASON", ({ reason }) => reason ?? ""],
    ]);
  },
});
