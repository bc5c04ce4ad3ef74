import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../../src/errors.ts";
import {
  type Attribute,
  AttributeWriter,
  listAttributes,
  readAttributes,
} from "../../../../src/kernel/netlink/attribute.ts";

/** Values by the method that writes and reads them. */
const scalars = {
  u8: fc.integer({ min: 0, max: 0xff }),
  u16: fc.integer({ min: 0, max: 0xffff }),
  u32: fc.integer({ min: 0, max: 0xffffffff }),
  s32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  be16: fc.integer({ min: 0, max: 0xffff }),
  be32: fc.integer({ min: 0, max: 0xffffffff }),
} as const;
const longs = { u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), be64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) };
const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => !value.includes("\0"));
const type = fc.integer({ min: 1, max: 0x3fff });

for (const method of ["u8", "u16", "u32", "s32", "be16", "be32"] as const) {
  test(`${method} comes back as it was written`, () => {
    fc.assert(
      fc.property(type, scalars[method], (number, value) => {
        const attributes = readAttributes(new AttributeWriter(4)[method](number, value).finish());
        assert.equal(attributes.get(number)?.[method](), value);
      }),
    );
  });
}

for (const method of ["u64", "be64"] as const) {
  test(`${method} comes back as it was written`, () => {
    fc.assert(
      fc.property(type, longs[method], (number, value) => {
        const attributes = readAttributes(new AttributeWriter(4)[method](number, value).finish());
        assert.equal(attributes.get(number)?.[method](), value);
      }),
    );
  });
}

test("numbers stand in the order of bytes that their name says", () => {
  const bytes = new AttributeWriter().u16(1, 0x0102).be16(2, 0x0102).u32(3, 0x01020304).be32(4, 0x01020304).finish();
  assert.equal(
    Buffer.from(bytes).toString("hex"),
    "06000100020100000600020001020000080003000403020108000400" + "01020304",
  );
});

/** A tree of attributes: text, bytes, flags and nests. */
interface Tree {
  readonly type: number;
  readonly content: string | Uint8Array | undefined | readonly Tree[];
}

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    type,
    content: fc.oneof(
      { depthSize: "small" },
      text,
      fc.uint8Array({ maxLength: 20 }),
      fc.constant(undefined),
      fc.array(tie("tree"), { maxLength: 4 }),
    ),
  }),
}));

function write(writer: AttributeWriter, { type: number, content }: Tree): void {
  if (content === undefined) writer.flag(number);
  else if (typeof content === "string") writer.string(number, content);
  else if (content instanceof Uint8Array) writer.bytes(number, content);
  else {
    writer.nested(number, (inner) => {
      for (const one of content) write(inner, one);
    });
  }
}

function check(attribute: Attribute | undefined, { type: number, content }: Tree): void {
  assert.ok(attribute);
  assert.equal(attribute.type, number);
  if (content === undefined) assert.equal(attribute.value.length, 0);
  else if (typeof content === "string") assert.equal(attribute.string(), content);
  else if (content instanceof Uint8Array) assert.deepEqual(new Uint8Array(attribute.value), content);
  else {
    const inner = attribute.list();
    assert.equal(inner.length, content.length);
    for (const [at, one] of content.entries()) check(inner[at], one);
  }
}

test("trees of attributes come back as they were written, behind a header of any length", () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 6 }), fc.integer({ min: 0, max: 5 }), (trees, words) => {
      const writer = new AttributeWriter(8).raw(new Uint8Array(words * 4).fill(0xff));
      for (const one of trees) write(writer, one);
      const found = listAttributes(writer.finish().subarray(words * 4));
      assert.equal(found.length, trees.length);
      for (const [at, one] of trees.entries()) check(found[at], one);
    }),
  );
});

test("padding is zero, and every attribute begins at a multiple of four", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 8 }), (values) => {
      const writer = new AttributeWriter(4);
      for (const value of values) writer.bytes(1, value);
      const bytes = writer.finish();
      assert.equal(bytes.length % 4, 0);
      let at = 0;
      for (const value of values) {
        const end = at + 4 + value.length;
        at = (end + 3) & ~3;
        assert.ok(bytes.subarray(end, at).every((byte) => byte === 0));
      }
    }),
  );
});

test("where a type repeats, the last one counts, and the list has all", () => {
  const bytes = new AttributeWriter().u8(5, 1).u8(5, 2).finish();
  assert.equal(readAttributes(bytes).get(5)?.u8(), 2);
  assert.equal(listAttributes(bytes).length, 2);
});

test("flags in the type do not change what it is", () => {
  const bytes = Buffer.from(new AttributeWriter().u32(7, 9).finish());
  bytes.writeUInt16LE(7 | 0x4000, 2); // NLA_F_NET_BYTEORDER
  assert.equal(readAttributes(bytes).get(7)?.u32(), 9);
});

test("a value that is too short for what is read is a typed error", () => {
  const attribute = readAttributes(new AttributeWriter().u16(1, 1).finish()).get(1);
  for (const method of ["u32", "s32", "u64", "be32", "be64"] as const) {
    assert.throws(
      () => attribute?.[method](),
      (error) => isPortolanError(error, "kernel"),
    );
  }
});

test("any bytes are attributes or a typed error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        const end = listAttributes(bytes).reduce((sum, { value }) => sum + value.length, 0);
        assert.ok(end <= bytes.length);
      } catch (error) {
        assert.ok(isPortolanError(error, "kernel"), String(error));
      }
    }),
  );
});
