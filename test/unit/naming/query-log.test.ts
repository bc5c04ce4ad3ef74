import assert from "node:assert/strict";
import { test } from "node:test";
import { QueryLog } from "../../../src/naming/query-log.ts";

const line = (name: string) => ({ name, type: "A", code: "NOERROR", from: "records", transport: "udp" }) as const;

test("the log has the last 200 queries, oldest first, with their times in nanoseconds", () => {
  const log = new QueryLog();
  assert.deepEqual(log.list("s1"), []);
  for (let i = 0; i < 3; i++) log.add(1_700_000_000_000 + i, line(`n${i}`));
  assert.deepEqual(log.list("s1")[2], { time: 1_700_000_000_002_000_000n, sandboxId: "s1", ...line("n2") });
  for (let i = 3; i < 450; i++) log.add(1_700_000_000_000 + i, line(`n${i}`));
  const names = log.list("s1").map(({ name }) => name);
  assert.deepEqual(
    names,
    Array.from({ length: 200 }, (_, i) => `n${250 + i}`),
  );
});
