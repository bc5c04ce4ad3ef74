import { features } from "../../kernel/features.ts";
import { defineCommand } from "../command.ts";
import { exitStatus } from "../failure.ts";
import { choice } from "../flag.ts";
import { jsonText } from "../format.ts";
import { tableLines } from "../table.ts";

export const command = defineCommand({
  summary: "Show what this kernel can do, and what is wrong",
  details: "Fails where a problem is an error.",
  arguments: {},
  flags: { format: choice("--format FORMAT", "text or json", ["text", "json"]) },
  examples: [{ line: "portolan doctor", meaning: "features and problems" }],
  async run({ format }, context) {
    await using client = await context.client();
    const report = await client.doctor();
    const { output } = context;
    if (format === "json") output.line(jsonText(report));
    else for (const line of reportLines(report)) output.line(line);
    return report.problems.some(({ severity }) => severity === "error") ? exitStatus.failed : 0;
  },
});

type Report = Awaited<ReturnType<import("../../api/client.ts").Client["doctor"]>>;

function reportLines(report: Report): readonly string[] {
  const rows = Object.entries(features).map(([name, { option, meaning }]) => {
    const answer = Object.entries(report.features).find(([feature]) => feature === name)?.[1];
    const state = answer?.state ?? "unknown";
    return [
      name,
      state,
      meaning,
      answer === undefined || answer.state === "yes" ? option : `${option}: ${answer.reason}`,
    ];
  });
  const problems = report.problems.flatMap(({ severity, title, detail, advice }) => [
    `${severity}: ${title}`,
    ...detail.split("\n").map((line) => `  ${line}`),
    ...(advice === undefined ? [] : [`  advice: ${advice}`]),
  ]);
  return [
    ...tableLines(["FEATURE", "KERNEL", "MEANING", "OPTION"], rows),
    "",
    ...(problems.length > 0 ? problems : ["no problems"]),
  ];
}
