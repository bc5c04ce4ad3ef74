import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../../src/errors.ts";
import { decodeMessages, encodeMessages, headerLength } from "../../../../src/kernel/netlink/message.ts";

const message = fc.record({
  type: fc.integer({ min: 0, max: 0xffff }),
  flags: fc.integer({ min: 0, max: 0xffff }),
  body: fc.uint8Array({ maxLength: 40 }),
});

test("messages in a row come back with the numbers that count up from the first", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 0, max: 0xffff }),
      (messages, first, flags) => {
        const back = decodeMessages(encodeMessages(messages, first, flags));
        assert.equal(back.length, messages.length);
        messages.forEach((one, at) => {
          const { type, flags: all, sequence, portId, body } = back[at] ?? assert.fail();
          assert.deepEqual([type, all, portId], [one.type, one.flags | flags, 0]);
          assert.equal(sequence, (first + at) % 2 ** 32);
          assert.deepEqual(new Uint8Array(body), one.body);
        });
      },
    ),
  );
});

test("a length that does not fit is a typed error, not an endless loop", () => {
  const bytes = encodeMessages([{ type: 16, flags: 0, body: new Uint8Array(8) }], 1, 0);
  for (const length of [0, 1, headerLength - 1, bytes.length + 1, 0xffffffff]) {
    const broken = Buffer.from(bytes);
    broken.writeUInt32LE(length, 0);
    assert.throws(
      () => decodeMessages(broken),
      (error) => isPortolanError(error, "kernel"),
    );
  }
});

test("any bytes are messages or a typed error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeMessages(bytes);
      } catch (error) {
        assert.ok(isPortolanError(error, "kernel"), String(error));
      }
    }),
  );
});
