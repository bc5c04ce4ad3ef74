import { change, changeFlags } from "../../change.ts";
import { defineCommand } from "../../command.ts";
import { integer, on, one, pairs, text } from "../../flag.ts";

export const command = defineCommand({
  summary: "Create a sandbox",
  details:
    "A sandbox has a network namespace of its own, or is an existing one: of a path, of a process, or the host's.",
  arguments: { name: one("SANDBOX", "Name of the new sandbox") },
  flags: {
    netns: text("--netns PATH", "Use the network namespace at a path", "file"),
    pid: integer("--pid PID", "Use the network namespace of a process"),
    host: on("--host", "Use the host's own stack"),
    hostname: text("--hostname NAME", "Hostname inside"),
    labels: pairs("--label KEY=VALUE", "Label", { bareKeys: true }),
    ...changeFlags,
  },
  examples: [
    { line: "portolan sandbox create web", meaning: "with a namespace of its own" },
    { line: "portolan sandbox create --pid 4711 app", meaning: "the namespace of a running process" },
  ],
  run: ({ name, netns, pid, host, hostname, labels, ...values }, context) => {
    const spec = {
      name,
      ...(netns !== undefined && { netns }),
      ...(pid !== undefined && { pid }),
      ...(host && { host }),
      ...(hostname !== undefined && { hostname }),
      labels,
    };
    return change(values, context, async (client, options) => {
      const sandbox = await client.createSandbox(spec, options);
      return { text: sandbox.id, json: sandbox };
    });
  },
});
