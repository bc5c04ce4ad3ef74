/** Whatever stands in a file or comes from a plugin is used or refused, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CniError } from "../../../src/cni/protocol/cni-error.ts";
import { readEntry, writeEntry } from "../../../src/cni/runtime/cache-entry.ts";
import { readFailure } from "../../../src/cni/runtime/failure.ts";
import { readList } from "../../../src/cni/runtime/network.ts";
import { fittedResult } from "../../../src/cni/runtime/result.ts";
import { isPortolanError } from "../../../src/errors.ts";

/** Objects whose keys are those that are looked for, with anything under them. */
const objectOf = (...keys: readonly string[]): fc.Arbitrary<string> =>
  fc
    .dictionary(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...keys) }, fc.string()), fc.jsonValue())
    .map((value) => JSON.stringify(value));
const anyText = (...keys: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(fc.string(), fc.json(), objectOf(...keys));

function refusedOrRead(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    assert.ok(isPortolanError(error) || error instanceof CniError, String(error));
  }
}

test("lists", () => {
  const plugin = fc.record({ type: fc.oneof(fc.string(), fc.jsonValue()), capabilities: fc.jsonValue() });
  const list = fc
    .record({
      name: fc.constantFrom("n", "", 7),
      plugins: fc.oneof(fc.array(plugin), fc.jsonValue()),
      cniVersions: fc.jsonValue(),
      disableGC: fc.jsonValue(),
    })
    .map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(fc.oneof(list, anyText("name", "plugins", "cniVersion")), (text) =>
      refusedOrRead(() => readList(text, "f")),
    ),
  );
});

test("cache entries", () => {
  const entry = fc
    .record({
      kind: fc.constant("cniCacheV1"),
      containerId: fc.oneof(fc.string(), fc.jsonValue()),
      ifName: fc.string(),
      networkName: fc.string(),
      config: fc.oneof(fc.base64String(), fc.jsonValue()),
      cniArgs: fc.jsonValue(),
      capabilityArgs: fc.jsonValue(),
      result: fc.jsonValue(),
    })
    .map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(fc.oneof(entry, anyText("kind", "config", "netns")), (text) =>
      refusedOrRead(() => {
        const read = readEntry(text);
        // What is read is written as it is read again.
        if (read.kind === "attachment") assert.deepEqual(readEntry(writeEntry(read.attachment)), read);
      }),
    ),
  );
});

test("results and failures", () => {
  fc.assert(
    fc.property(anyText("cniVersion", "ips", "ip4", "interfaces", "msg", "code"), (text) => {
      refusedOrRead(() => JSON.parse(fittedResult(text, "1.0.0")));
      refusedOrRead(() => fittedResult(text, "0.2.0"));
      assert.equal(typeof readFailure(text, text, { status: 1, signal: null }).message, "string");
    }),
  );
});
