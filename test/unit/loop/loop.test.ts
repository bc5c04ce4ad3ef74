/** The serving thread's loop, over descriptors that are ready when the test says so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createWaker, readiness, wake } from "../../../src/kernel/poll.ts";
import { closeSocket } from "../../../src/kernel/syscalls.ts";
import { Loop } from "../../../src/loop/loop.ts";

const fail = (error: unknown): void => assert.fail(String(error));

test("what was told of a closed descriptor is not told to who has its number now", () => {
  const loop = new Loop(() => undefined, fail);
  const [first, second] = [createWaker(), createWaker()];
  let third = -1;
  const heard: string[] = [];
  const closing = {
    ready() {
      heard.push("first");
      loop.close(second);
      third = createWaker();
      loop.watch(third, readiness.readable, { ready: () => heard.push("third") });
    },
  };
  loop.watch(first, readiness.readable, closing);
  loop.watch(second, readiness.readable, { ready: () => heard.push("second") });
  wake(first);
  wake(second);
  loop.turn(0);
  assert.equal(third, second, "the kernel gives out the lowest number");
  assert.deepEqual(heard, ["first"]);
  loop.close(first);
  wake(third);
  loop.turn(0);
  assert.deepEqual(heard, ["first", "third"]);
  closeSocket(third);
  loop.end();
});

test("one that throws keeps nobody else from being told", () => {
  const faults: unknown[] = [];
  const loop = new Loop(
    () => undefined,
    (error) => faults.push(error),
  );
  const wakers = [createWaker(), createWaker()];
  let heard = 0;
  for (const waker of wakers) {
    loop.watch(waker, readiness.readable, {
      ready() {
        heard++;
        throw new Error("of its own");
      },
    });
    wake(waker);
  }
  loop.turn(0);
  assert.equal(heard, 2);
  assert.equal(faults.length, 2);
  for (const waker of wakers) loop.close(waker);
  loop.end();
});
