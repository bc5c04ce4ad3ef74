import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Events } from "../../../src/model/events.ts";
import type { ControllerEvent } from "../../../src/model/types.ts";

const now = () => 7n;
const event = (name: string): ControllerEvent => ({
  time: 1n,
  type: "network",
  action: "create",
  id: "i",
  name,
  attributes: {},
});

/** The names of what an iterable tells until it ends, drops with their count. */
async function heard(events: AsyncIterable<ControllerEvent>): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name, action, attributes } of events) {
    names.push(action === "drop" ? `dropped ${attributes["count"]}` : name);
  }
  return names;
}

test("everybody who listens gets all events from then on, in order", async () => {
  const events = new Events();
  events.emit(event("before"));
  const first = heard(events.listen(undefined, now));
  events.emit(event("a"));
  const second = heard(events.listen(undefined, now));
  events.emit(event("b"));
  await new Promise(setImmediate);
  events.emit(event("c"));
  events.close();
  assert.deepEqual(await Promise.all([first, second]), [
    ["a", "b", "c"],
    ["b", "c"],
  ]);
});

test("who stops listening gets what waits, and does not hold up the others", async () => {
  const events = new Events();
  const controller = new AbortController();
  const first = events.listen(controller.signal, now);
  const other = events.listen(undefined, now);
  events.emit(event("a"));
  controller.abort();
  events.emit(event("b"));
  events.close();
  assert.deepEqual([await heard(first), await heard(other)], [["a"], ["a", "b"]]);
});

test("who listens with a signal that is aborted, or when all is closed, gets nothing", async () => {
  const events = new Events();
  const aborted = events.listen(AbortSignal.abort(), now);
  events.emit(event("a"));
  assert.deepEqual(await heard(aborted), []);
  events.close();
  const late = events.listen(undefined, now);
  events.emit(event("b"));
  assert.deepEqual(await heard(late), []);
});

test("who waits is let go by the signal and by the end", async () => {
  const events = new Events();
  const controller = new AbortController();
  const waiting = [heard(events.listen(controller.signal, now)), heard(events.listen(undefined, now))];
  await new Promise(setImmediate);
  controller.abort();
  assert.deepEqual(await waiting[0], []);
  events.close();
  assert.deepEqual(await waiting[1], []);
});

test("who does not keep up loses the oldest events, and is told how many", async () => {
  const events = new Events();
  const slow = events.listen(undefined, now);
  for (let i = 0; i < 1005; i++) events.emit(event(String(i)));
  events.close();
  const names = await heard(slow);
  assert.deepEqual([names.length, ...names.slice(0, 2), names.at(-1)], [1001, "dropped 5", "5", "1004"]);
});

test("a listener that leaves in the middle is forgotten, by its signal too", async () => {
  const events = new Events();
  const { signal } = new AbortController();
  const listening = events.listen(signal, now);
  events.emit(event("a"));
  events.emit(event("b"));
  for await (const { name } of listening) {
    assert.equal(name, "a");
    break;
  }
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});
