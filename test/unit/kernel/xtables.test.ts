/** Structures of iptables: whatever bytes come, they are read or refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../src/errors.ts";
import { readMatch, targetEffect } from "../../../src/kernel/xtables/conditions.ts";
import { decodeLegacyTable } from "../../../src/kernel/xtables/legacy.ts";

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const names = fc.constantFrom("comment", "conntrack", "state", "tcp", "udp", "multiport", "addrtype", "physdev");

test("a match of any bytes is a condition", () => {
  fc.assert(
    fc.property(names, fc.nat(4), bytes(200), (name, revision, info) => {
      assert.ok(readMatch(name, revision, info).type.length > 0);
    }),
  );
});

test("ports are read in the machine's own order, with what is inverted", () => {
  const info = Buffer.from([0, 0, 0xff, 0xff, 0x50, 0, 0x5a, 0, 0, 0, 0, 2]);
  assert.deepEqual(readMatch("tcp", 0, info), { type: "port", ranges: [[80, 90]], not: true });
  assert.deepEqual(readMatch("tcp", 0, info.fill(2, 9, 10)), { type: "unknown" }, "flags of TCP");
  assert.deepEqual(
    readMatch("udp", 0, Buffer.from([1, 0, 2, 0, 0x50, 0, 0x50, 0, 0])),
    { type: "unknown" },
    "a source port",
  );
});

test("a target that nobody knows may do anything", () => {
  assert.equal(targetEffect("REJECT"), "drop");
  assert.equal(targetEffect("NFQUEUE"), "unknown");
  assert.equal(targetEffect("constructor"), "unknown");
});

/** struct ipt_getinfo that makes some hooks valid, of random offsets. */
const info = fc.uint8Array({ minLength: 84, maxLength: 84 }).map((array) => Buffer.from(array));
/** Entries whose lengths are right more often than random ones would be. */
const entries = fc.array(bytes(300), { maxLength: 5 }).map((parts) => {
  for (const part of parts) {
    if (part.length < 114) continue;
    part.writeUInt16LE(112, 88);
    part.writeUInt16LE(part.length, 90);
  }
  return Buffer.concat(parts);
});

test("a legacy table of any bytes is a table, or a typed error", () => {
  fc.assert(
    fc.property(fc.constantFrom<4 | 6>(4, 6), info, entries, (family, about, those) => {
      try {
        const table = decodeLegacyTable(family, "filter", about, those);
        assert.ok(table.rules.length <= those.length);
      } catch (error) {
        assert.ok(isPortolanError(error, "kernel"), String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
