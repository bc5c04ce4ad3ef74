import { change, changeFlags } from "../change.ts";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  summary: "Mend what others changed",
  details:
    "Compares the kernel with what networks and endpoints describe, and makes it so again. What is not ours is left alone.",
  arguments: {},
  flags: changeFlags,
  examples: [
    { line: "portolan reconcile --dry-run", meaning: "see what differs" },
    { line: "portolan reconcile", meaning: "mend it" },
  ],
  run: (values, context) =>
    change(values, context, async (client, options) => {
      const { changes } = await client.reconcile(options);
      const text = changes === 0 ? "all is as described" : `${changes} ${changes === 1 ? "change" : "changes"} made`;
      return { text, json: { changes } };
    }),
});
