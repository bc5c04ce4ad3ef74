/** Answers cut to a size, decoded by another codec. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, type OptAnswer } from "dns-packet";
import fc from "fast-check";
import { cutReply } from "../../../src/naming/wire/cut.ts";
import { skipName } from "../../../src/naming/wire/query.ts";
import { name, records } from "./arbitraries.ts";

const opt: OptAnswer = {
  type: "OPT",
  name: ".",
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

test("what is left is whole records from the front, fits, and says that it was cut", () => {
  fc.assert(
    fc.property(
      name,
      records,
      records,
      fc.boolean(),
      fc.integer({ min: 512, max: 2000 }),
      (asked, answers, authorities, edns, limit) => {
        const answer = encode({
          type: "response",
          id: 9,
          questions: [{ name: asked, type: "A", class: "IN" }],
          answers: [...answers],
          authorities: [...authorities],
          additionals: edns ? [opt] : [],
        });
        const bytes = Buffer.concat([Buffer.alloc(8, 0xff), answer]);
        const size = cutReply(bytes, 8, answer.length, limit, edns ? { dnssecOk: true } : undefined);
        assert.ok(size <= limit, `${size} bytes for ${limit}`);
        const left = decode(bytes.subarray(8, 8 + size));
        const before = decode(answer);
        assert.equal(left.flag_tc, true);
        assert.deepEqual(left.questions, before.questions);
        const kept = left.answers ?? [];
        assert.deepEqual(kept, before.answers?.slice(0, kept.length));
        assert.deepEqual(left.authorities, []);
        assert.deepEqual(
          left.additionals?.map(({ type }) => type),
          edns ? ["OPT"] : [],
        );
        // As many as fit: the next one would not have.
        const next = before.answers?.[kept.length];
        if (next === undefined) return;
        const whole = encode({
          type: "response",
          questions: left.questions ?? [],
          answers: [...kept, next],
          additionals: edns ? [opt] : [],
        });
        assert.ok(whole.length > limit, "one more would have fitted");
      },
    ),
    { numRuns: 500 },
  );
});

test("an answer with lengths that lie is cut before the lie", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 17, maxLength: 2000 }),
      fc.integer({ min: 512, max: 2000 }),
      (noise, limit) => {
        const question = encode({ type: "response", questions: [{ name: "web", type: "A", class: "IN" }] });
        const bytes = Buffer.concat([question, noise, Buffer.alloc(64)]);
        bytes.writeUInt16BE(0xffff, 6);
        const length = question.length + noise.length;
        const size = cutReply(bytes, 0, length, limit, undefined);
        assert.ok(size >= question.length && size <= Math.max(length, limit));
        // The records that are said to be left end where the answer does.
        let at = question.length;
        for (let kept = bytes.readUInt16BE(6); kept > 0; kept--) {
          at = skipName(bytes, at, size);
          assert.ok(at > 0);
          at += 10 + bytes.readUInt16BE(at + 8);
        }
        assert.equal(at, size);
        assert.equal(bytes.readUInt32BE(8), 0);
      },
    ),
  );
});
