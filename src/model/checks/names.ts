/** Sandboxes in which names are not answered. */
import type { Check } from "./check.ts";

export const names: Check = async ({ context }) =>
  [...context.nameProblems].map(([id, refusal]) => ({
    code: "names-not-served",
    severity: "warning" as const,
    title: `names are not answered in sandbox ${context.records.sandboxes.get(id)?.name ?? id}`,
    detail: refusal.reason === undefined ? refusal.message : `${refusal.message}: ${refusal.reason}`,
    ...(refusal.advice !== undefined && { advice: refusal.advice }),
  }));
