/** Self-check: compares the kernel with what is described and mends the difference, while nothing else is under way. */
import type { Context } from "./context.ts";
import { mend, mendingPlan } from "./mending.ts";
import { throwIfAborted } from "./transact.ts";
import type { ChangeOptions, ReconcileReport } from "./types.ts";

/** Mends what something else changed; what it did. Throws `kernel`, `aborted`. */
export async function reconcile(context: Context, options: ChangeOptions): Promise<ReconcileReport> {
  return context.locks.holdAll(async () => {
    throwIfAborted(options.signal);
    const changes = await mendingPlan(context);
    options.onPlan?.(changes);
    if (options.dryRun === true || changes.length === 0) return { plan: changes };
    const done = await mend(context, changes);
    if (done.length === 0) return { plan: done };
    const attributes = { changes: String(done.length) };
    const time = context.now();
    context.events.emit({ time, type: "engine", action: "reconcile", id: "", name: "reconcile", attributes });
    return { plan: done };
  });
}
