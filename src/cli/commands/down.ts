import { defineCommand } from "../command.ts";
import { choice, on, one } from "../flag.ts";

export const command = defineCommand({
  summary: "Take a topology down",
  details: "Its processes, sandboxes and networks go, and its host where it is isolated.",
  arguments: { topology: one("TOPOLOGY", "Topology file, or the name of a topology that is up", "topology") },
  flags: {
    explain: on("--explain", "Print the ip, nft and sysctl commands that do the same"),
    dryRun: on("--dry-run", "Print what would go and change nothing"),
    format: choice("--format FORMAT", "How the result and errors are shown: text or json", ["text", "json"]),
  },
  examples: [{ line: "portolan down examples/shop.yaml", meaning: "what `up` of the file made" }],
  async run({ topology, explain, dryRun, format }, context) {
    const { jsonText } = await import("../format.ts");
    const { down, labOptions, progressText, ps, topologyName } = await import("../lab.ts");
    const { downText, leavingText } = await import("../lab-text.ts");
    const name = topologyName(topology, context.globals);
    const { output } = context;
    const asJson = format === "json";
    if (dryRun) {
      const status = await ps(name, labOptions(context));
      output.line(asJson ? jsonText(status) : leavingText(status));
      return;
    }
    const options = labOptions(context, {
      ...(!asJson && { onProgress: (progress) => output.note(progressText(progress)) }),
      ...(explain && !asJson && { explain: (commands) => commands.forEach(output.line) }),
    });
    const result = await down(name, options);
    output.line(asJson ? jsonText(result) : downText(result));
  },
});
