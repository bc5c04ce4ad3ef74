/** Asks the kernel what it can do, by trying each thing in a throw-away namespace. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FeatureAnswer, type FeatureName, type FeatureReport, features } from "./features.ts";
import { type Kernel, KernelError, type KernelRefusal } from "./kernel.ts";
import { trials } from "./trials.ts";

/** Answers that a missing feature gives: EOPNOTSUPP, ENOTSUPP, ENOENT, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EINVAL */
const lacking = new Set([
  "EOPNOTSUPP",
  "ENOTSUPP",
  "ENOENT",
  "EAFNOSUPPORT",
  "EPROTONOSUPPORT",
  "ESOCKTNOSUPPORT",
  "EINVAL",
]);

function answerOf(refusal: KernelRefusal | undefined): FeatureAnswer {
  if (refusal === undefined) return { state: "yes" };
  return { state: lacking.has(refusal.code) ? "no" : "unknown", reason: `${refusal.code}: ${refusal.message}` };
}

/** Tries every feature in a namespace made for it. */
export function probeFeatures(kernel: Kernel): FeatureReport {
  const folder = mkdtempSync(join(tmpdir(), "portolan-probe-"));
  const path = `${folder}/netns` as const;
  try {
    kernel.createNamespace(path);
    const answers = Object.keys(features).map((name) => {
      // The keys of the table are the names of features.
      const feature = name as FeatureName;
      return [feature, tryOne(kernel, path as `/${string}`, feature)]; // mkdtemp answers an absolute path
    });
    return Object.fromEntries(answers);
  } finally {
    kernel.dropNamespace(path);
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryOne(kernel: Kernel, namespace: `/${string}`, feature: FeatureName): FeatureAnswer {
  try {
    return answerOf(trials[feature](kernel, namespace));
  } catch (error) {
    if (error instanceof KernelError) return answerOf(error.refusal);
    return { state: "unknown", reason: String(error) };
  }
}
