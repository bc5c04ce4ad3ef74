import assert from "node:assert/strict";
import { test } from "node:test";
import { eventLine, eventMatches, timeText } from "../../../src/cli/event-line.ts";
import type { ControllerEvent } from "../../../src/model/types.ts";

const event: ControllerEvent = {
  time: 1767323045000000001n,
  type: "network",
  action: "create",
  id: "4f2c90d1a7b3",
  name: "front",
  attributes: { driver: "bridge" },
};

test("an event is a line with its time to the nanosecond", () => {
  assert.equal(
    eventLine(event),
    "2026-01-02T03:04:05.000000001Z network create 4f2c90d1a7b3 (name=front, driver=bridge)",
  );
  assert.equal(timeText(1767323045999999999n), "2026-01-02T03:04:05.999999999Z");
});

test("an event of the engine has neither id nor name", () => {
  const engine = { ...event, type: "engine", action: "reconcile", id: "", name: "", attributes: {} } as const;
  assert.equal(eventLine(engine), "2026-01-02T03:04:05.000000001Z engine reconcile");
});

test("filters: every key by one of its values", () => {
  assert.ok(eventMatches(event, {}));
  assert.ok(eventMatches(event, { type: ["sandbox", "network"], action: ["create"] }));
  assert.ok(!eventMatches(event, { type: ["network"], action: ["delete"] }));
  assert.ok(eventMatches(event, { id: ["4f2c"], name: ["ron"], label: ["driver", "x"] }));
  assert.ok(!eventMatches(event, { label: ["driver=host"] }));
  assert.throws(() => eventMatches(event, { colour: ["red"] }), { code: "invalid-argument" });
});
