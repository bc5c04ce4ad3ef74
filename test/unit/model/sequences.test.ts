/** A taste of test/property/sequences.test.ts for the inner loop. */
import { test } from "node:test";
import fc from "fast-check";
import { sequences } from "../../support/sequences/commands.ts";
import { memoryGround } from "../../support/sequences/memory-ground.ts";
import { runSequence } from "../../support/sequences/run.ts";

test("100 random sequences of operations, faults, damage and restarts break no invariant", async () => {
  await fc.assert(
    fc.asyncProperty(sequences, (commands) => runSequence(memoryGround(), commands)),
    { numRuns: 100 },
  );
});
