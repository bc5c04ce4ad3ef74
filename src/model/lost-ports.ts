/** Published ports that are wanted and not held: a process took them while no engine held them, or the kernel refuses them. */
import { keyOf } from "../state/kinds/registry.ts";
import type { Port } from "../state/objects.ts";
import type { Context } from "./context.ts";

/** The ports that this process is to hold and does not, in no order; none where it does not live on. */
export async function lostPorts({ ledger, engine, services }: Context): Promise<readonly Port[]> {
  const wanted = services ? ledger.all().filter((object) => object.kind === "port") : [];
  if (wanted.length === 0) return [];
  const held = new Set((await engine.heldPorts()).map((claim) => keyOf({ ...claim, kind: "port" })));
  return wanted.filter((port) => !held.has(keyOf(port)));
}
