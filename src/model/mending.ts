/** Making the kernel as it is described, where something may have come in between. */
import { isPortolanError, type PortolanError } from "../errors.ts";
import type { KernelObject } from "../state/objects.ts";
import { plan } from "../state/plan.ts";
import type { Change, Plan } from "../state/plan-types.ts";
import type { Context } from "./context.ts";

/** What it takes to make the kernel as it is described; `left` are objects that nobody may want any more. An engine that does not live on holds no ports. */
export async function mendingPlan(context: Context, left: readonly KernelObject[] = []): Promise<Plan> {
  const desired = context.ledger.all();
  const changes = plan(desired, await context.engine.observe(desired, left));
  return context.services ? changes : changes.filter((change) => !isClaim(change));
}

const isClaim = ({ action, object }: Change): boolean => action === "create" && object.kind === "port";

/**
 * Makes the changes; answers with those that were made. A published port that cannot be held, as one that a process took while no engine did, keeps nothing else
 * from being mended: it goes on leading to its sandbox, and that it is not held is told by an event and by doctor. Throws `kernel`.
 */
export async function mend(context: Context, changes: Plan): Promise<Plan> {
  const claims = changes.filter(isClaim);
  const rest = changes.filter((change) => !isClaim(change));
  if (rest.length > 0) await context.engine.apply(rest);
  // All at once is quick; one by one tells which.
  if (claims.length === 0 || (await attempt(context, claims)) === undefined) return changes;
  const refused = new Set<Change>();
  for (const claim of claims) {
    const refusal = await attempt(context, [claim]);
    if (refusal === undefined) continue;
    refused.add(claim);
    const attributes = { port: refusal.object ?? "", reason: refusal.reason ?? "" };
    context.events.emit({ time: context.now(), type: "engine", action: "lose", id: "", name: "port", attributes });
  }
  return changes.filter((change) => !refused.has(change));
}

async function attempt(context: Context, claims: Plan): Promise<PortolanError | undefined> {
  try {
    await context.engine.apply(claims);
    return undefined;
  } catch (error) {
    if (isPortolanError(error)) return error;
    throw error;
  }
}
