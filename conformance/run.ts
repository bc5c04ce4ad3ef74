#!/usr/bin/env node
/** Runs the conformance checks against a directory of CNI plugins, and against others beside it. */
import { parseArgs } from "node:util";
import { allChecks } from "./suite/checks/all.ts";
import { missingFeatures } from "./suite/lab/features.ts";
import type { Service } from "./suite/lab/host.ts";
import { openPlugins } from "./suite/plugins.ts";
import { json } from "./suite/report/json.ts";
import { markdown } from "./suite/report/markdown.ts";
import { broken, type Column, findingLines, sumLines } from "./suite/report/text.ts";
import { defaultJobs, filtered, runChecks } from "./suite/runner.ts";

const usage = `usage: node conformance/run.ts --plugins [LABEL=]DIR [options]

  --plugins [LABEL=]DIR   the plugins under test
  --beside [LABEL=]DIR    others, for a column beside; may be given again
  --types A,B,…           only these plugin types of each directory
  --filter TEXT           only checks whose "group: name" holds the text
  --format FORMAT         text (default), json or markdown
  --jobs N                checks at once, each on a host of its own (default: twice the processors)
  --service COMMAND       run on every host of --plugins before its checks, for plugins that ask a daemon
  --ready PATH            file that is there once the service serves
  --heading TEXT          first lines of the markdown page
  --list                  print the checks and end

Ends with 0 when every required check that applies passes for --plugins, 1 when one fails, 2 for a mistaken command line.`;

const { values } = parseArgs({
  options: {
    plugins: { type: "string" },
    beside: { type: "string", multiple: true, default: [] },
    types: { type: "string" },
    filter: { type: "string" },
    format: { type: "string", default: "text" },
    jobs: { type: "string" },
    service: { type: "string" },
    ready: { type: "string" },
    heading: { type: "string", default: "# CNI conformance" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const checks = filtered(allChecks, values.filter);
if (values.help) console.log(usage);
else if (values.list)
  for (const { group, name, level, reference } of checks) console.log(`${group}: ${name} [${level}; ${reference}]`);
else if (values.plugins === undefined || !["text", "json", "markdown"].includes(values.format)) refuse(usage);
else if ((values.service === undefined) !== (values.ready === undefined)) refuse("--service and --ready go together");
else if (process.getuid?.() !== 0) refuse("the suite makes network namespaces: run it as root");
else await run(values.plugins);

async function run(subject: string): Promise<void> {
  const missing = await missingFeatures();
  const service =
    values.service === undefined || values.ready === undefined
      ? undefined
      : { command: values.service, ready: values.ready };
  const column = async (named: string, served: Service | undefined): Promise<Column> => {
    const [label = "", path = ""] = named.includes("=") ? named.split("=", 2) : [named, named];
    const plugins = await openPlugins(
      path,
      label.replaceAll("/", "-").replace(/^-/, ""),
      values.types?.split(","),
      served,
    );
    if (values.format === "text") console.log(`\n${label}: ${[...plugins.versions.keys()].join(" ")}`);
    const findings = await runChecks(plugins, checks, {
      jobs: values.jobs === undefined ? defaultJobs() : Number(values.jobs),
      missing,
      heard: (finding) => {
        if (values.format === "text") console.log(findingLines(finding));
      },
    });
    return { label, findings };
  };
  const columns = [await column(subject, service)];
  for (const other of values.beside) columns.push(await column(other, undefined));
  if (values.format === "json") console.log(json(columns));
  else if (values.format === "markdown") console.log(markdown(columns, values.heading));
  else console.log(`\n${sumLines(columns)}`);
  process.exitCode = broken(columns[0]?.findings ?? []).length === 0 ? 0 : 1;
}

function refuse(words: string): void {
  console.error(words);
  process.exitCode = 2;
}
