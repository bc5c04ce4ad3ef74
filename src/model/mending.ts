/** Making the kernel as it is described, where something may have come in between. */
import { isPortolanError, type PortolanError } from "../errors.ts";
import { keyOf } from "../state/kinds/registry.ts";
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
 * from being mended: it goes on leading to its sandbox, and that it is not held is told by an event, once to those who listen, and by doctor. Throws `kernel`.
 */
export async function mend(context: Context, changes: Plan): Promise<Plan> {
  const claims = changes.filter(isClaim);
  const rest = changes.filter((change) => !isClaim(change));
  if (rest.length > 0) await context.engine.apply(rest);
  // All at once is quick; one by one tells which.
  if (claims.length === 0 || (await attempt(context, claims)) === undefined) {
    context.toldLost.clear();
    return changes;
  }
  const refused = new Map<Change, PortolanError>();
  for (const claim of claims) {
    const refusal = await attempt(context, [claim]);
    if (refusal !== undefined) refused.set(claim, refusal);
  }
  tellLost(context, refused);
  return changes.filter((change) => !refused.has(change));
}

/** Tells of each port that is lost as long as nobody has heard of it: at the start there is nobody yet. */
function tellLost({ events, now, toldLost }: Context, refused: ReadonlyMap<Change, PortolanError>): void {
  const known = new Set(toldLost);
  toldLost.clear();
  for (const [{ object }, refusal] of refused) {
    const key = keyOf(object);
    const attributes = { port: refusal.object ?? "", reason: refusal.reason ?? "" };
    const tell = (): boolean =>
      events.emit({ time: now(), type: "engine", action: "lose", id: "", name: "port", attributes });
    if (known.has(key) || tell()) toldLost.add(key);
  }
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
