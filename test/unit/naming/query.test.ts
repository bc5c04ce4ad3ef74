/** Reading queries, held against another codec and against damage. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encode, type RecordType } from "dns-packet";
import fc from "fast-check";
import { typeName } from "../../../src/naming/wire/constants.ts";
import { questionName } from "../../../src/naming/wire/name.ts";
import { emptyQuery, readQuery, verdict } from "../../../src/naming/wire/query.ts";
import { name, type } from "./arbitraries.ts";

function encoded(asked: string, of: RecordType, udpSize?: number): Buffer {
  return encode({
    type: "query",
    id: 7,
    questions: [{ name: asked, type: of, class: "IN" }],
    ...(udpSize !== undefined && {
      additionals: [
        {
          type: "OPT",
          name: ".",
          udpPayloadSize: udpSize,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0x8000,
          flag_do: true,
          options: [],
        },
      ],
    }),
  });
}

/** A type that the codec has no name for: it takes such words. */
const unknown = (number: number): RecordType => `UNKNOWN_${number}` as RecordType;

/** Reads a packet behind bytes that are not its own, and before others. */
function read(packet: Uint8Array): {
  readonly found: number;
  readonly query: ReturnType<typeof emptyQuery>;
  readonly bytes: Buffer;
} {
  const bytes = Buffer.concat([Buffer.alloc(16, 0xff), packet, Buffer.alloc(16, 0xff)]);
  const query = emptyQuery();
  return { found: readQuery(bytes, 16, packet.length, query), query, bytes };
}

test("what another codec encodes is read the same", () => {
  fc.assert(
    fc.property(name, type, fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }), (asked, of, udpSize) => {
      const { found, query, bytes } = read(encoded(asked, of, udpSize));
      assert.equal(found, verdict.query);
      assert.equal(questionName(bytes, 16, query.nameEnd), asked.toLowerCase());
      assert.equal(typeName(query.type), of);
      assert.equal(query.edns, udpSize !== undefined);
      assert.equal(query.udpSize, Math.max(512, udpSize ?? 512));
      assert.equal(query.dnssecOk, udpSize !== undefined);
    }),
    { numRuns: 2000 },
  );
});

test("letters of either case hash the same, other types and names do not", () => {
  fc.assert(
    fc.property(name, (asked) => {
      const hash = (text: string, of: RecordType): number => read(encoded(text, of)).query.hash;
      assert.equal(hash(asked.toUpperCase(), "A"), hash(asked.toLowerCase(), "A"));
      assert.notEqual(hash(asked, "A"), hash(asked, "AAAA"));
      // 65 and 97 are one letter in two cases, but two types.
      assert.notEqual(hash(asked, unknown(65)), hash(asked, unknown(97)));
    }),
  );
});

test("a packet cut short anywhere is no whole query", () => {
  const packet = encoded("web.front", "A", 1232);
  for (let length = 0; length < packet.length; length++) {
    const { found } = read(packet.subarray(0, length));
    assert.equal(found, length < 12 ? verdict.noQuery : verdict.malformed, `${length} bytes`);
  }
});

/** A query for "web", changed. */
const changed = (change: (packet: Buffer) => void): Buffer => {
  const packet = encoded("web", "A");
  change(packet);
  return packet;
};

const wrong: readonly (readonly [string, Buffer, keyof typeof verdict])[] = [
  ["a response", changed((packet) => packet.writeUInt8(0x80, 2)), "noQuery"],
  ["a notification", changed((packet) => packet.writeUInt8(0x20, 2)), "otherOperation"],
  ["an update", changed((packet) => packet.writeUInt8(0x28, 2)), "otherOperation"],
  ["no question", changed((packet) => packet.writeUInt16BE(0, 4)), "malformed"],
  ["two questions", changed((packet) => packet.writeUInt16BE(2, 4)), "malformed"],
  ["an answer", changed((packet) => packet.writeUInt16BE(1, 6)), "malformed"],
  ["an authority", changed((packet) => packet.writeUInt16BE(1, 8)), "malformed"],
  ["an additional record that is not there", changed((packet) => packet.writeUInt16BE(1, 10)), "malformed"],
  ["a compressed name", changed((packet) => packet.writeUInt16BE(0xc00c, 12)), "malformed"],
  ["a label of an unknown kind", changed((packet) => packet.writeUInt8(0x43, 12)), "malformed"],
  ["a label beyond the end", changed((packet) => packet.writeUInt8(0x3f, 12)), "malformed"],
  [
    "a name of 256 bytes",
    Buffer.concat([
      encoded("web", "A").subarray(0, 12),
      ...Array.from({ length: 85 }, () => Buffer.from("\x02ab")),
      Buffer.from("\x00\x00\x01\x00\x01", "latin1"),
    ]),
    "malformed",
  ],
  [
    "two OPT records",
    Buffer.concat([
      changed((packet) => packet.writeUInt16BE(2, 10)),
      Buffer.from("00002910000000000000000000291000000000000000", "hex"),
    ]),
    "malformed",
  ],
  [
    "an OPT record of a name",
    Buffer.concat([changed((packet) => packet.writeUInt16BE(1, 10)), Buffer.from("016100002910000000000000", "hex")]),
    "malformed",
  ],
];

for (const [what, packet, want] of wrong) {
  test(`${what}: ${want}`, () => assert.equal(read(packet).found, verdict[want]));
}

test("a name of 255 bytes is one", () => {
  const packet = Buffer.concat([
    encoded("web", "A").subarray(0, 12),
    ...Array.from({ length: 84 }, () => Buffer.from("\x02ab")),
    Buffer.from("\x01a\x00\x00\x01\x00\x01", "latin1"),
  ]);
  assert.equal(read(packet).found, verdict.query);
});
