/** Portolan's own plugins pass the conformance suite: all of it with the daemon, and what concerns attachments and concurrency without. Prints the sums. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { type Check, titleOf } from "../../conformance/suite/check.ts";
import { allChecks } from "../../conformance/suite/checks/all.ts";
import { missingFeatures } from "../../conformance/suite/lab/features.ts";
import { openPlugins } from "../../conformance/suite/plugins.ts";
import { sumLines } from "../../conformance/suite/report/text.ts";
import { defaultJobs, runChecks } from "../../conformance/suite/runner.ts";
import { temporaryDirectory } from "../support/test-host.ts";

const portolan = join(import.meta.dirname, "../../bin/portolan");
const skip = process.getuid?.() === 0 ? false : "it makes network namespaces and needs root";

async function failuresOf(checks: readonly Check[], daemon: boolean): Promise<readonly string[]> {
  using directory = temporaryDirectory();
  execFileSync(portolan, ["cni", "install", "--dir", directory.path, "--as-reference"], { stdio: "ignore" });
  const label = daemon ? "portolan" : "portolan, without a daemon";
  const service = daemon ? { command: `${portolan} daemon`, ready: "/run/portolan/portolan.sock" } : undefined;
  const plugins = await openPlugins(directory.path, label, undefined, service);
  const findings = await runChecks(plugins, checks, { jobs: defaultJobs(), missing: await missingFeatures() });
  console.log(sumLines([{ label, findings }]));
  return findings
    .filter(({ verdict }) => verdict === "failed")
    .map(({ check, ...rest }) => `${titleOf(check)}: ${JSON.stringify(rest)}`);
}

test("with the daemon the plugins pass every check", { skip }, async () => {
  assert.deepEqual(await failuresOf(allChecks, true), []);
});

test("without a daemon attachments and concurrency are the same", { skip }, async () => {
  const groups = new Set(["attachments", "concurrency"]);
  assert.deepEqual(
    await failuresOf(
      allChecks.filter(({ group }) => groups.has(group)),
      false,
    ),
    [],
  );
});
