/** Every check can fail: under plugins that do nothing or refuse everything, and each of those that a fault is about under plugins with that fault. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { type Check, titleOf } from "../suite/check.ts";
import { allChecks } from "../suite/checks/all.ts";
import { referenceTypes } from "../suite/checks/every-type.ts";
import { type Feature, missingFeatures } from "../suite/lab/features.ts";
import { openPlugins } from "../suite/plugins.ts";
import { runChecks } from "../suite/runner.ts";
import { dullDirectory, mutantDirectory } from "./mutant-directory.ts";
import { mutations } from "./mutations.ts";
import { failuresOfReference } from "./reference-1.1.1.ts";

const reference = "/usr/lib/cni";
const root = process.getuid?.() === 0 ? false : "it makes network namespaces and needs root";
const unavailable = root || (existsSync(`${reference}/bridge`) ? false : "the reference plugins are not installed");

/** Titles by how the checks ended. */
async function verdicts(directory: string, checks: readonly Check[], missing: ReadonlyMap<Feature, string>) {
  const types = [...new Set(checks.flatMap(({ needs }) => needs.types))];
  const plugins = await openPlugins(directory, "mutant", types, undefined);
  const findings = await runChecks(plugins, checks, { jobs: 3, missing });
  const of = (verdict: string) =>
    findings.filter((finding) => finding.verdict === verdict).map(({ check }) => titleOf(check));
  return { passed: of("passed"), failed: of("failed"), inapplicable: of("not applicable") };
}

test("every check fails for plugins that do nothing, or for plugins that refuse everything", {
  skip: root,
}, async () => {
  // A machine that can do everything: what it cannot do fails as well.
  const missing = new Map<Feature, string>();
  using silent = dullDirectory(referenceTypes, "", 0);
  using refusing = dullDirectory(referenceTypes, '{"code": 100, "msg": "no"}', 1);
  const first = await verdicts(silent.path, allChecks, missing);
  const left = allChecks.filter((subject) => first.passed.includes(titleOf(subject)));
  const second = await verdicts(refusing.path, left, missing);
  assert.deepEqual(first.inapplicable, []);
  assert.deepEqual(second.passed, []);
});

test("titles of checks are unique", () => {
  const titles = allChecks.map(titleOf);
  assert.deepEqual(
    titles.filter((title, index) => titles.indexOf(title) !== index),
    [],
  );
});

test("plugins without a fault, run as those with one are, pass the checks that find the faults", {
  skip: unavailable,
}, async () => {
  const missing = await missingFeatures();
  const words = Object.values(mutations).map(({ noticed: [first = ""] }) => first);
  const checks = words.flatMap(
    (part) =>
      allChecks.find(
        (subject) => titleOf(subject).includes(part) && failuresOfReference[titleOf(subject)] === undefined,
      ) ?? [],
  );
  using sound = mutantDirectory("none", reference);
  const { failed, passed } = await verdicts(sound.path, checks, missing);
  assert.deepEqual(failed, []);
  assert.ok(passed.length >= 30);
});

test("plugins brought to 1.1.0 pass GC and STATUS", { skip: unavailable }, async () => {
  using sound = mutantDirectory("none", reference, "1.1.0");
  const { failed } = await verdicts(
    sound.path,
    allChecks.filter(({ group }) => group === "gc and status"),
    await missingFeatures(),
  );
  assert.deepEqual(
    // What the reference plugins leave when a namespace vanished is left by GC as well.
    failed.filter((title) => !/STATUS says 50|has on the host/.test(title)),
    [],
  );
});

test("plugins with a fault fail the checks that are about it", { skip: unavailable, concurrency: 3 }, async (t) => {
  const missing = await missingFeatures();
  const faults = Object.entries(mutations).map(([name, { fault, noticed, version }]) =>
    t.test(`a plugin that ${fault}`, async () => {
      for (const words of noticed)
        assert.ok(
          allChecks.some((subject) => titleOf(subject).includes(words)),
          `no check's title holds "${words}"`,
        );
      const checks = allChecks.filter((subject) => noticed.some((words) => titleOf(subject).includes(words)));
      using mutant = mutantDirectory(name, reference, version);
      const { passed } = await verdicts(mutant.path, checks, missing);
      assert.deepEqual(passed, []);
    }),
  );
  await Promise.all(faults);
});
