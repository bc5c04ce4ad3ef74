/** What is not as it should be, as values. */
import { type FeatureReport, features } from "../kernel/features.ts";
import { kindOf } from "../state/kinds/registry.ts";
import { plan } from "../state/plan.ts";
import type { Change } from "../state/plan-types.ts";
import type { Context } from "./context.ts";
import type { DoctorReport, Problem } from "./types.ts";

/** How many differences are named one by one. */
const shown = 5;

/** Looks at the kernel and at what the engine made in it. Changes nothing. */
export async function examine(context: Context, failure: unknown): Promise<DoctorReport> {
  const report = await context.engine.features();
  const desired = context.ledger.all();
  const drift = plan(desired, await context.engine.observe(desired));
  return {
    features: report,
    problems: [...featureProblems(report, context), ...startProblems(failure), ...driftProblems(drift)],
  };
}

/** Drivers that the kernel cannot serve, with what it lacks. */
function featureProblems(report: FeatureReport, context: Context): readonly Problem[] {
  const request = [...context.records.networks.values()];
  return request.flatMap((network) => {
    const required = context.drivers.get(network.driver)?.requires(network) ?? [];
    return required.flatMap((name): Problem[] => {
      const answer = report[name];
      if (answer.state !== "no") return [];
      return [
        {
          code: "missing-feature",
          severity: "error",
          title: `network ${network.name} needs ${features[name].meaning}`,
          detail: answer.reason,
          advice: `use a kernel with ${features[name].option}`,
        },
      ];
    });
  });
}

const startProblems = (failure: unknown): readonly Problem[] =>
  failure === undefined
    ? []
    : [
        {
          code: "not-recovered",
          severity: "error",
          title: "the kernel could not be made as described when the engine started",
          detail: failure instanceof Error ? failure.message : String(failure),
          advice: "remove what is in the way, then run `portolan reconcile`",
        },
      ];

const words = { create: "is missing", update: "is changed", delete: "is there and should not be" } as const;

function driftProblems(drift: readonly Change[]): readonly Problem[] {
  if (drift.length === 0) return [];
  const named = drift.slice(0, shown).map(({ action, object }) => `${kindOf(object).words(object)} ${words[action]}`);
  const more = drift.length > shown ? [`and ${drift.length - shown} more`] : [];
  return [
    {
      code: "drift",
      severity: "warning",
      title: "the kernel is not as described: something else changed it",
      detail: [...named, ...more].join("; "),
      advice: "run `portolan reconcile` to mend it",
    },
  ];
}
