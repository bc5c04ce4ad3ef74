import { isPortolanError } from "../../../errors.ts";
import { changeEach, changeFlags } from "../../change.ts";
import { defineCommand } from "../../command.ts";
import { many, on } from "../../flag.ts";

export const command = defineCommand({
  summary: "Remove sandboxes with their endpoints",
  details: "Processes that still run in a sandbox keep its namespace, without any interface, until they end.",
  arguments: { names: many("SANDBOX", "Name, id, or the beginning of one", "sandbox") },
  flags: { force: on("-f, --force", "Do not fail where there is no such sandbox"), ...changeFlags },
  examples: [{ line: "portolan sandbox rm web db", meaning: "two sandboxes" }],
  run: (values, context) =>
    changeEach(values, context, values.names, async (client, name, options) => {
      try {
        await client.deleteSandbox(name, options);
      } catch (error) {
        if (!(values.force && isPortolanError(error, "not-found"))) throw error;
        return { json: { removed: [] } };
      }
      return { text: name, json: { removed: [name] } };
    }),
});
