import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../../../src/errors.ts";
import type { NetlinkMessage } from "../../../../../src/kernel/netlink/message.ts";
import {
  decodeChain,
  deleteChain,
  newChain,
  setChainPolicy,
} from "../../../../../src/kernel/netlink/nftables/chain.ts";
import {
  decodeElements,
  deleteElements,
  type ElementForm,
  newElements,
  readElements,
  type SetElement,
} from "../../../../../src/kernel/netlink/nftables/element.ts";
import { decodeGeneration, getGeneration } from "../../../../../src/kernel/netlink/nftables/generation.ts";
import { decodeRule, deleteRule, newRule } from "../../../../../src/kernel/netlink/nftables/rule.ts";
import { decodeSet, newSet } from "../../../../../src/kernel/netlink/nftables/set.ts";
import { decodeTable, newTable } from "../../../../../src/kernel/netlink/nftables/table.ts";
import { decodeUserData, encodeUserData, type UserDatum } from "../../../../../src/kernel/netlink/nftables/userdata.ts";
import { expression, hex, name, plain, received, verdict } from "./arbitraries.ts";

const comment = fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !text.includes("\0"));

const table = fc.record({ name, comment, owned: fc.constant(true) }, { requiredKeys: ["name"] });
test("a table is read back as it was written", () => {
  fc.assert(fc.property(plain(table), (one) => assert.deepEqual(decodeTable(received(newTable(one))), one)));
});

const chain = fc.record(
  {
    table: name,
    name,
    base: fc.record({
      type: fc.constantFrom("filter", "nat", "route"),
      hook: fc.constantFrom("prerouting", "input", "forward", "output", "postrouting"),
      priority: fc.integer({ min: -1000, max: 1000 }),
      policy: fc.constantFrom("accept", "drop"),
    }),
  },
  { requiredKeys: ["table", "name"] },
);
test("a chain is read back as it was written", () => {
  fc.assert(fc.property(plain(chain), (one) => assert.deepEqual(decodeChain(received(newChain(one))), one)));
});

const rule = fc.record(
  { table: name, chain: name, comment, expressions: fc.array(expression, { maxLength: 6 }) },
  { requiredKeys: ["table", "chain", "expressions"] },
);
test("a rule is read back as it was written, once the kernel has given it a handle", () => {
  fc.assert(
    fc.property(plain(rule), fc.bigInt({ min: 1n, max: 2n ** 63n }), (one, handle) => {
      const withHandle = deleteRule(one.table, one.chain, handle).body.subarray(4);
      const message = newRule(one);
      const body = Buffer.concat([message.body, withHandle]);
      assert.deepEqual(decodeRule(received({ ...message, body })), { ...one, handle });
    }),
  );
});

const setType = fc.record({ number: fc.nat({ max: 0xffffff }), length: fc.integer({ min: 1, max: 64 }) });
const fields = fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 2, maxLength: 5 });
const set = fc
  .record(
    {
      table: name,
      name,
      key: setType,
      data: fc.oneof(setType, fc.constant("verdict" as const)),
      interval: fc.boolean(),
      fields,
    },
    { requiredKeys: ["table", "name", "key", "interval"] },
  )
  // The parts of a key are only told to the kernel for ranges.
  .map(({ fields: parts, ...rest }) => ({ ...rest, ...(rest.interval && parts && { fields: parts }) }));
test("a set is read back as it was written", () => {
  fc.assert(fc.property(plain(set), (one) => assert.deepEqual(decodeSet(received(newSet(one))), one)));
});

const where = { table: "t", set: "s" };
const messagesOf = (form: ElementForm, elements: readonly SetElement[]): readonly NetlinkMessage[] =>
  newElements(where, form, elements).map(({ message }) => message);
const readBack = (form: ElementForm, elements: readonly SetElement[]): readonly SetElement[] =>
  decodeElements(messagesOf(form, elements).map(received), form);
const byKey = (elements: readonly SetElement[]): readonly SetElement[] =>
  elements.toSorted((a, b) => (a.key < b.key ? -1 : 1));

const data = fc.oneof(hex(6), verdict);
const plainElements = fc.uniqueArray(fc.record({ key: hex(4), data }, { requiredKeys: ["key"] }), {
  selector: ({ key }) => key,
  maxLength: 40,
});
test("elements of a plain set are read back as they were written", () => {
  fc.assert(
    fc.property(plain(plainElements), (elements) => assert.deepEqual(readBack("plain", elements), byKey(elements))),
  );
});

test("a plain set is read again while a dump tells an element twice, and not for ever", () => {
  const [a, b] = [{ key: "01" }, { key: "02" }];
  const dumps = [
    [a, a],
    [b, b],
    [a, b],
  ].map((elements) => messagesOf("plain", elements).map(received));
  let asked = 0;
  assert.deepEqual(
    readElements(() => dumps[asked++] ?? [], "plain"),
    [a, b],
  );
  assert.equal(asked, 3);
  assert.throws(() => readElements(() => dumps[0] ?? [], "plain"), /EINTR/);
});

test("ranges of a concatenated key are read back as they were written", () => {
  const elements = fc.uniqueArray(
    fc.record({ key: hex(8), last: hex(8), data }, { requiredKeys: ["key"] }).map(({ last, ...rest }) => ({
      ...rest,
      ...(last !== undefined && last !== rest.key && { last }),
    })),
    { selector: ({ key }) => key, maxLength: 40 },
  );
  fc.assert(
    fc.property(plain(elements), (some) => assert.deepEqual(readBack("concatenated-interval", some), byKey(some))),
  );
});

/** Ranges that do not overlap, the smallest and the greatest value often among them. */
const ranges = fc
  .uniqueArray(fc.oneof(fc.nat({ max: 0xffff }), fc.constantFrom(0, 0xffff)), { minLength: 2, maxLength: 20 })
  .map((ends) => {
    const sorted = ends.toSorted((a, b) => a - b);
    const text = (value: number) => value.toString(16).padStart(4, "0");
    return sorted.flatMap((first, i): SetElement[] => {
      const last = sorted[i + 1];
      if (i % 2 === 1) return [];
      if (last === undefined) return [{ key: text(first) }];
      return [{ key: text(first), ...(last !== first && { last: text(last) }) }];
    });
  });
test("ranges of a plain key are read back as they were written, also where one begins right behind another", () => {
  fc.assert(
    fc.property(ranges, (elements) => assert.deepEqual(readBack("interval", elements), elements)),
    {
      examples: [
        [
          [
            { key: "0000", last: "000f" },
            { key: "0010", last: "ffff" },
          ],
        ],
        [[{ key: "ffff" }]],
      ],
    },
  );
});

test("elements are spread over messages that a 16-bit length can hold", () => {
  for (const form of ["plain", "interval"] as const) {
    const elements = Array.from({ length: 10_000 }, (_, i) => ({
      key: (2 * i).toString(16).padStart(8, "0"),
      data: "0a0000010050",
    }));
    const messages = newElements(where, form, elements);
    assert.ok(messages.length > 5);
    for (const { message } of messages) assert.ok(message.body.length < 0xffff);
    assert.equal(
      messages.reduce((sum, { count }) => sum + count, 0),
      elements.length,
    );
    assert.deepEqual(readBack(form, elements), elements);
  }
});

test("no elements are no message", () => {
  assert.deepEqual(newElements(where, "plain", []), []);
  assert.deepEqual(deleteElements(where, "plain", []), []);
});

test("user data are read back as they were written, and a tail that is cut short is left out", () => {
  const datum = fc.record({ type: fc.nat({ max: 255 }), value: fc.uint8Array({ maxLength: 255 }) });
  const texts = (data: readonly UserDatum[]) =>
    data.map(({ type, value }) => [type, Buffer.from(value).toString("hex")]);
  fc.assert(
    fc.property(fc.array(datum, { maxLength: 4 }), (some) => {
      const bytes = encodeUserData(some);
      assert.deepEqual(texts(decodeUserData(bytes)), texts(some));
      const cut = decodeUserData(bytes.subarray(0, -1));
      assert.deepEqual(texts(cut), texts(some.slice(0, cut.length)));
    }),
  );
});

const decoders: Readonly<Record<string, (body: Buffer) => unknown>> = {
  table: (body) => decodeTable(received({ ...newTable({ name: "t" }), body })),
  chain: (body) => decodeChain(received({ ...newChain({ table: "t", name: "c" }), body })),
  rule: (body) => decodeRule(received({ ...newRule({ table: "t", chain: "c", expressions: [] }), body })),
  set: (body) =>
    decodeSet(received({ ...newSet({ table: "t", name: "s", key: { number: 7, length: 4 }, interval: false }), body })),
  elements: (body) => {
    const [message] = messagesOf("plain", [{ key: "00" }]);
    return message && decodeElements([received({ ...message, body })], "interval");
  },
  generation: (body) => decodeGeneration(received({ ...getGeneration(), type: getGeneration().type - 1, body })),
};

/** Bodies of true messages, to be damaged. */
const bodies = fc.oneof(
  table.map((one) => newTable(one).body),
  chain.map((one) => newChain(one).body),
  chain.map((one) => setChainPolicy(one, "drop").body),
  chain.map((one) => deleteChain(one.table, one.name).body),
  rule.map((one) => newRule(one, { before: { handle: 7n } }).body),
  set.map((one) => newSet(one).body),
  plainElements.map((some) => messagesOf("plain", some)[0]?.body ?? new Uint8Array()),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.of(1, 0, 0, 0, ...bytes)),
);

for (const [what, decode] of Object.entries(decoders)) {
  test(`a damaged message about a ${what} is decoded or refused with the typed error`, () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 });
    fc.assert(
      fc.property(bodies, damage, fc.nat({ max: 12 }), (whole, changes, cut) => {
        const body = Buffer.from(whole.subarray(0, whole.length - cut));
        for (const [at, byte] of changes) if (body.length > 4) body[4 + (at % (body.length - 4))] = byte;
        try {
          decode(body);
        } catch (error) {
          if (!isPortolanError(error, "kernel")) throw error;
        }
      }),
      { numRuns: 200 },
    );
  });
}
