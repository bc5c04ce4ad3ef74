/** What something else changed in the kernel. */
import { kindOf } from "../../state/kinds/registry.ts";
import { plan } from "../../state/plan.ts";
import type { Check } from "./check.ts";

/** How many differences are named one by one. */
const shown = 5;

const words = { create: "is missing", update: "is changed", delete: "is there and should not be" } as const;

export const drift: Check = async ({ context }) => {
  const desired = context.ledger.all();
  const all = plan(desired, await context.engine.observe(desired));
  // Ports that are not held are told apart (lost-ports.ts); an engine that does not live on holds none.
  const changes = all.filter(({ object }) => object.kind !== "port");
  if (changes.length === 0) return [];
  const named = changes.slice(0, shown).map(({ action, object }) => `${kindOf(object).words(object)} ${words[action]}`);
  const more = changes.length > shown ? [`and ${changes.length - shown} more`] : [];
  return [
    {
      code: "drift",
      severity: "warning",
      title: "the kernel is not as described: something else changed it",
      detail: [...named, ...more].join("; "),
      advice: "run `portolan reconcile` to mend it",
    },
  ];
};
