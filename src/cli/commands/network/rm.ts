import { isPortolanError } from "../../../errors.ts";
import { changeEach, changeFlags } from "../../change.ts";
import { defineCommand } from "../../command.ts";
import { many, on } from "../../flag.ts";

export const command = defineCommand({
  summary: "Remove networks that no endpoint is in",
  arguments: { names: many("NETWORK", "Name, id, or the beginning of one", "network") },
  flags: { force: on("-f, --force", "Do not fail where there is no such network"), ...changeFlags },
  examples: [
    { line: "portolan network rm front", meaning: "one network" },
    { line: "portolan network rm --explain front back", meaning: "two, with the commands that do the same" },
  ],
  run: (values, context) =>
    changeEach(values, context, values.names, async (client, name, options) => {
      try {
        await client.deleteNetwork(name, options);
      } catch (error) {
        if (!(values.force && isPortolanError(error, "not-found"))) throw error;
        return { json: { removed: [] } };
      }
      return { text: name, json: { removed: [name] } };
    }),
});
