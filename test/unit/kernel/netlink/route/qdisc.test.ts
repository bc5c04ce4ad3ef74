import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { messageFlag } from "../../../../../src/kernel/netlink/message.ts";
import {
  bucketInfo,
  bucketOf,
  createTokenBucket,
  decodeQueue,
  deleteQueue,
  dumpQueues,
  rootParent,
  type TokenBucket,
} from "../../../../../src/kernel/netlink/route/qdisc.ts";
import { index, record, u32 } from "./arbitraries.ts";

const queue = record({ link: index, handle: u32 });
const bucket: fc.Arbitrary<TokenBucket> = record({
  rate: fc.oneof(fc.integer({ min: 1, max: 10_000_000 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  burst: fc.integer({ min: 1, max: 0xffffffff }),
  latency: fc.integer({ min: 0, max: 10_000_000 }),
});

test("a request for a token bucket reads back as what it asks for", () => {
  fc.assert(
    fc.property(queue, bucket, (where, asked) => {
      assert.deepEqual(decodeQueue(createTokenBucket(where, asked)), {
        ...where,
        parent: rootParent,
        kind: "tbf",
        bucket: bucketInfo(asked),
      });
    }),
  );
});

test("a bucket comes out of what the kernel keeps of it, but for a tick and for what its numbers hold", () => {
  const holdable = bucket.filter(
    ({ rate, burst, latency }) => burst / rate < 270 && (rate * latency) / 1e6 + burst < 2 ** 32,
  );
  fc.assert(
    fc.property(holdable, (asked) => {
      const { rate, burst, latency } = bucketOf(bucketInfo(asked));
      const tick = (rate * 64) / 1e9;
      assert.equal(rate, asked.rate);
      assert.ok(Math.abs(burst - asked.burst) <= tick + 1, `burst ${burst}`);
      assert.ok(Math.abs(latency - asked.latency) <= 1 + 1e6 * ((tick + 2) / rate), `latency ${latency}`);
    }),
  );
});

test("one is made where none is, replaced where one may be, and removed by its handle", () => {
  const where = { link: 3, handle: 0x10000 };
  const asked = { rate: 1000, burst: 2000, latency: 50 };
  assert.equal(createTokenBucket(where, asked).flags, messageFlag.create | messageFlag.exclusive);
  assert.equal(createTokenBucket(where, asked, "replace").flags, messageFlag.create | messageFlag.replace);
  const removal = decodeQueue(deleteQueue(where));
  assert.deepEqual(removal, { ...where, parent: rootParent, kind: "", bucket: undefined });
  assert.deepEqual(decodeQueue(dumpQueues()).link, 0);
});

test("a bucket that nothing flows through is read without a number that is none", () => {
  assert.deepEqual(bucketOf({ rate: 0, limit: 5, buffer: 7 }), { rate: 0, burst: 0, latency: 0 });
});
