/** The reference plugins pass every check but those that they are known to fail. Prints their sums. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { titleOf } from "../suite/check.ts";
import { allChecks } from "../suite/checks/all.ts";
import { missingFeatures } from "../suite/lab/features.ts";
import { openPlugins } from "../suite/plugins.ts";
import { sumLines } from "../suite/report/text.ts";
import { defaultJobs, runChecks } from "../suite/runner.ts";
import { failuresOfReference, racesOfReference } from "./reference-1.1.1.ts";

const directory = "/usr/lib/cni";
const label = "reference 1.1.1";

/** Why it cannot be compared; false where it can. Debian's plugins do not know their version: its package manager does. */
function unavailable(): string | false {
  if (process.getuid?.() !== 0) return "it makes network namespaces and needs root";
  const { stdout, status } = spawnSync("dpkg-query", ["--status", "containernetworking-plugins"], { encoding: "utf8" });
  if (status !== 0) return "Debian's containernetworking-plugins are not installed";
  const version = /^Version: (.*)$/m.exec(stdout)?.[1] ?? "";
  return version.startsWith("1.1.1") ? false : `the reference plugins installed are ${version}, not 1.1.1`;
}

test("the reference plugins fail the checks that they are known to fail, and no other", {
  skip: unavailable(),
}, async () => {
  const plugins = await openPlugins(directory, label, undefined, undefined);
  const findings = await runChecks(plugins, allChecks, {
    jobs: defaultJobs(),
    missing: await missingFeatures(),
  });
  console.log(sumLines([{ label, findings }]));
  const applied = findings.filter(({ verdict }) => verdict !== "not applicable").map(({ check }) => titleOf(check));
  const failed = findings.filter(({ verdict }) => verdict === "failed").map(({ check }) => titleOf(check));
  const settled = (titles: readonly string[]) => titles.filter((title) => !racesOfReference.includes(title)).toSorted();
  assert.deepEqual(
    settled(failed),
    settled(Object.keys(failuresOfReference).filter((title) => applied.includes(title))),
  );
});
