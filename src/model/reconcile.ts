/** Self-check: compares the kernel with what is described and mends the difference, while nothing else is under way. */
import type { Plan } from "../state/plan-types.ts";
import type { Context } from "./context.ts";
import { mend, mendingPlan } from "./mending.ts";
import { type Renewal, rebuildLedger, recordWrites, renew, renewals } from "./renewing.ts";
import { commitAll, throwIfAborted } from "./transact.ts";
import type { ChangeOptions, ReconcileReport } from "./types.ts";

/** Mends what something else changed, and makes otherwise what the host as it is now wants otherwise; what it did. Throws `kernel`, `store`, `aborted`. */
export async function reconcile(context: Context, options: ChangeOptions): Promise<ReconcileReport> {
  return context.locks.holdAll(async () => {
    throwIfAborted(options.signal);
    const renewed = await renewals(context);
    if (renewed.length === 0) return { plan: await compare(context, options) };
    return { plan: await compareRenewed(context, renewed, options) };
  });
}

/** The same with networks that are to be otherwise, whose records go first: a start after a failure between the two mends the rest. */
async function compareRenewed(context: Context, renewed: readonly Renewal[], options: ChangeOptions): Promise<Plan> {
  const restore = renew(context, renewed);
  rebuildLedger(context);
  const write = async (which: "before" | "after"): Promise<void> => {
    if (options.dryRun === true) return;
    await commitAll(context, recordWrites(renewed, which));
    await context.store.flush();
  };
  try {
    await write("after");
    const plan = await compare(context, options);
    if (options.dryRun === true) restore();
    return plan;
  } catch (error) {
    restore();
    await write("before");
    throw error;
  }
}

async function compare(context: Context, options: ChangeOptions): Promise<Plan> {
  const changes = await mendingPlan(context);
  options.onPlan?.(changes);
  if (options.dryRun === true) return changes;
  const done = await mend(context, changes);
  if (done.length === 0) return done;
  const attributes = { changes: String(done.length) };
  const time = context.now();
  context.events.emit({ time, type: "engine", action: "reconcile", id: "", name: "reconcile", attributes });
  return done;
}
