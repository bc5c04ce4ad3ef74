import { defineCommand } from "../command.ts";
import { choice, optional } from "../flag.ts";

export const command = defineCommand({
  summary: "Show topologies that are up",
  details: "Without a topology: which there are. With one: its sandboxes, networks and processes.",
  arguments: { topology: optional("TOPOLOGY", "Topology file, or the name of a topology that is up", "topology") },
  flags: { format: choice("--format FORMAT", "table, or json (one object a line)", ["table", "json"]) },
  examples: [
    { line: "portolan ps", meaning: "topologies that are up" },
    { line: "portolan ps examples/shop.yaml", meaning: "one of them" },
  ],
  async run({ topology, format }, context) {
    const { jsonText } = await import("../format.ts");
    const { labNames, labOptions, ps, topologyName } = await import("../lab.ts");
    const { labsText, statusText } = await import("../lab-text.ts");
    const { globals, output } = context;
    const names = topology === undefined ? labNames(globals.runDir) : [topologyName(topology, globals)];
    const statuses = await Promise.all(names.map((name) => ps(name, labOptions(context))));
    if (format === "json") for (const status of statuses) output.line(jsonText(status));
    else if (topology === undefined) output.line(labsText(statuses));
    else for (const status of statuses) output.line(statusText(status));
  },
});
