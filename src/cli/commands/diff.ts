import { defineCommand } from "../command.ts";
import { choice, one } from "../flag.ts";

export const command = defineCommand({
  summary: "Show what `up` would change",
  arguments: { file: one("FILE", "Topology file", "topology") },
  flags: { format: choice("--format FORMAT", "text or json", ["text", "json"]) },
  examples: [{ line: "portolan diff examples/shop.yaml", meaning: "nothing where all is as the file says" }],
  async run({ file, format }, context) {
    const { jsonText } = await import("../format.ts");
    const { diff, labOptions, readTopology } = await import("../lab.ts");
    const { diffText } = await import("../lab-text.ts");
    const result = await diff(readTopology(file), labOptions(context));
    context.output.line(format === "json" ? jsonText(result) : diffText(result));
  },
});
