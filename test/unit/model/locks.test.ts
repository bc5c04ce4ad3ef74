import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type LockRequest, Locks } from "../../../src/model/locks.ts";

const exclusive = (key: string): LockRequest => ({ key, mode: "exclusive" });
const shared = (key: string): LockRequest => ({ key, mode: "shared" });

/** Lets everything that can go on go on. */
const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Work that lasts until it is told to end, and notes when it begins. */
function worker(locks: Locks, log: string[]) {
  return (name: string, ...requests: readonly LockRequest[]) => {
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const done = locks.hold(requests, async () => {
      log.push(name);
      await end;
    });
    return { end: resolve, done };
  };
}

test("an exclusive lock waits for shared ones, which go together", async () => {
  const log: string[] = [];
  const locks = new Locks();
  const start = worker(locks, log);
  const readers = [start("r1", shared("a")), start("r2", shared("a"))];
  const writer = start("w", exclusive("a"));
  await pause();
  assert.deepEqual(log, ["r1", "r2"]);
  readers[0]?.end();
  await pause();
  assert.deepEqual(log, ["r1", "r2"]);
  readers[1]?.end();
  await pause();
  assert.deepEqual(log, ["r1", "r2", "w"]);
  writer.end();
  await writer.done;
  assert.equal(locks.size, 0);
});

test("who waits for an exclusive lock is not passed by later readers", async () => {
  const log: string[] = [];
  const start = worker(new Locks(), log);
  const first = start("r1", shared("a"));
  const writer = start("w", exclusive("a"));
  const late = start("r2", shared("a"));
  first.end();
  await pause();
  assert.deepEqual(log, ["r1", "w"]);
  writer.end();
  await pause();
  assert.deepEqual(log, ["r1", "w", "r2"]);
  late.end();
});

test("operations on different objects do not meet", async () => {
  const log: string[] = [];
  const start = worker(new Locks(), log);
  const all = ["a", "b", "c"].map((key) => start(key, exclusive(key)));
  await pause();
  assert.deepEqual(log, ["a", "b", "c"]);
  for (const { end } of all) end();
});

test("a lock is let go when its work fails, and the failure is told", async () => {
  const locks = new Locks();
  const failure = new Error("work");
  await assert.rejects(
    locks.hold([exclusive("a")], () => Promise.reject(failure)),
    failure,
  );
  assert.equal(await locks.hold([exclusive("a")], async () => 7), 7);
  assert.equal(locks.size, 0);
});

test("a key that is asked for twice is held once, in the stronger way", async () => {
  const log: string[] = [];
  const start = worker(new Locks(), log);
  const both = start("both", shared("a"), exclusive("a"), shared("a"));
  const other = start("other", shared("a"));
  await pause();
  assert.deepEqual(log, ["both"]);
  both.end();
  await pause();
  assert.deepEqual(log, ["both", "other"]);
  other.end();
  await Promise.all([both.done, other.done]);
});

test("in any crowd nobody holds what another one holds alone, everybody has a turn, and nothing is left", async () => {
  const request = fc.record({
    key: fc.constantFrom("a", "b", "c", "d"),
    mode: fc.constantFrom("shared" as const, "exclusive" as const),
  });
  const task = fc.tuple(fc.array(request, { maxLength: 5 }), fc.nat(3), fc.boolean());
  await fc.assert(
    fc.asyncProperty(fc.array(task, { maxLength: 25 }), async (tasks) => {
      const locks = new Locks();
      const readers = new Map<string, number>();
      const writers = new Set<string>();
      let turns = 0;
      const run = async ([requests, rounds, fails]: (typeof tasks)[number]): Promise<void> => {
        const keys = new Set(requests.map(({ key }) => key));
        const alone = new Set(requests.filter(({ mode }) => mode === "exclusive").map(({ key }) => key));
        await locks.hold(requests, async () => {
          turns++;
          for (const key of keys) {
            assert.ok(!writers.has(key), `${key} is held alone`);
            if (alone.has(key)) assert.equal(readers.get(key) ?? 0, 0);
          }
          for (const key of keys) {
            if (alone.has(key)) writers.add(key);
            else readers.set(key, (readers.get(key) ?? 0) + 1);
          }
          for (let i = 0; i < rounds; i++) await Promise.resolve();
          for (const key of keys) {
            if (alone.has(key)) writers.delete(key);
            else readers.set(key, (readers.get(key) ?? 0) - 1);
          }
          if (fails) throw new RangeError("work");
        });
      };
      const ends = await Promise.allSettled(tasks.map(run));
      for (const [at, end] of ends.entries()) {
        assert.equal(end.status, tasks[at]?.[2] ? "rejected" : "fulfilled");
        if (end.status === "rejected") assert.ok(end.reason instanceof RangeError, String(end.reason));
      }
      assert.deepEqual([turns, locks.size], [tasks.length, 0]);
    }),
    { numRuns: 200 },
  );
});

test("who holds everything is alone: it waits for all that is under way, and what comes later waits for it", async () => {
  const log: string[] = [];
  const locks = new Locks();
  const start = worker(locks, log);
  const first = start("first", exclusive("a"));
  const { promise: end, resolve } = Promise.withResolvers<void>();
  const all = locks.holdAll(async () => {
    log.push("all");
    await end;
  });
  const later = start("later", exclusive("b"));
  await pause();
  assert.deepEqual(log, ["first"]);
  first.end();
  await pause();
  assert.deepEqual(log, ["first", "all"]);
  resolve();
  await all;
  await pause();
  assert.deepEqual(log, ["first", "all", "later"]);
  later.end();
  await later.done;
  assert.equal(locks.size, 0);
});
