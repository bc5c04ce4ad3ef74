import { defineCommand } from "../command.ts";
import { exitStatus } from "../failure.ts";
import { choice, on, one } from "../flag.ts";

export const command = defineCommand({
  summary: "Make what exists equal to a topology file, and measure who reaches whom",
  details:
    "With `--isolated` this happens in a throw-away host, a network and mount namespace with a daemon of its own, and nothing of the machine's network is touched. A second `up` of the same file changes nothing. Fails where the measured reachability is not the one that the file expects.",
  arguments: { file: one("FILE", "Topology file", "topology") },
  flags: {
    isolated: on("--isolated", "In a throw-away host of its own"),
    remove: on("--rm", "Take it down again when it has been shown"),
    explain: on("--explain", "Print the ip, nft and sysctl commands that do the same"),
    dryRun: on("--dry-run", "Print what would be changed and change nothing, as `diff` does"),
    format: choice("--format FORMAT", "How the result and errors are shown: text or json", ["text", "json"]),
  },
  examples: [
    { line: "portolan up --isolated examples/shop.yaml", meaning: "a shop, beside the machine's own network" },
    { line: "portolan up --isolated --rm examples/shop.yaml", meaning: "bring it up, measure, and take it down" },
  ],
  async run({ file, isolated, remove, explain, dryRun, format }, context) {
    const { jsonText } = await import("../format.ts");
    const { diff, down, labOptions, progressText, readTopology, up } = await import("../lab.ts");
    const { diffText, upText } = await import("../lab-text.ts");
    const topology = readTopology(file);
    const { output } = context;
    const asJson = format === "json";
    if (dryRun) {
      const result = await diff(topology, labOptions(context));
      output.line(asJson ? jsonText(result) : diffText(result));
      return 0;
    }
    const options = labOptions(context, {
      ...(!asJson && { onProgress: (progress) => output.note(progressText(progress)) }),
      ...(explain && !asJson && { explain: (commands) => commands.forEach(output.line) }),
    });
    const { publishAddress } = context.globals;
    const own = publishAddress === undefined ? [] : ["--publish-address", publishAddress];
    const program = [process.execPath, ...process.execArgv, process.argv[1] ?? "", ...own];
    const result = await up(topology, { ...options, isolated, program });
    if (remove) await down(topology.name, labOptions(context));
    output.line(asJson ? jsonText(result) : upText(result, { file, removed: remove }));
    return result.mismatches.length > 0 ? exitStatus.failed : 0;
  },
});
