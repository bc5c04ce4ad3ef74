import assert from "node:assert/strict";
import { test } from "node:test";
import { createTidier, createYoungTidier } from "../../src/tidy.ts";

test("garbage is collected once, when nothing has been done for 3 s", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const collect = t.mock.fn();
  const order: string[] = [];
  const worked = createTidier(() => order.push(`after ${collect.mock.callCount()}`), collect);
  for (let second = 0; second < 10; second++) {
    worked();
    t.mock.timers.tick(1000);
  }
  assert.equal(collect.mock.callCount(), 0);
  t.mock.timers.tick(2000);
  assert.equal(collect.mock.callCount(), 1);
  t.mock.timers.tick(60_000);
  assert.equal(collect.mock.callCount(), 1);
  worked();
  t.mock.timers.tick(3000);
  assert.deepEqual(order, ["after 1", "after 2"]);
});

test("without a collector nothing comes of it", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  createTidier(() => assert.fail("as if something had been collected"), undefined)();
  t.mock.timers.tick(60_000);
});

test("what requests leave is collected in the pause after the first of them, once for all until then", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const collect = t.mock.fn();
  const asked = createYoungTidier(collect);
  asked();
  t.mock.timers.tick(9);
  asked();
  assert.equal(collect.mock.callCount(), 0);
  t.mock.timers.tick(1);
  assert.deepEqual(
    collect.mock.calls.map(({ arguments: [options] }) => options),
    [{ type: "minor", execution: "sync" }],
  );
  t.mock.timers.tick(60_000);
  assert.equal(collect.mock.callCount(), 1);
});
