/** Configurations as the text that they are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CniError } from "../../../src/cni/protocol/cni-error.ts";
import { findRaw, readRawObject, setRaw, writeRaw } from "../../../src/cni/protocol/raw-json.ts";

test("what is passed on keeps integers above 2^53, spellings of numbers and the order of keys", () => {
  const text = '{"b":9007199254740993,"2":1.0,"1":{"x":[1e2,"}\\"{,"]},"a":null}';
  assert.equal(writeRaw(readRawObject(text)), text);
  assert.equal(writeRaw(setRaw(readRawObject(text), "A", "true")), text.replace('"a":null', '"A":true'));
});

test("keys are found without regard to case, the last of several", () => {
  const object = readRawObject('{"cniversion":"1","CNIVersion":"2","i\u017fGateway":true}');
  assert.equal(findRaw(object, "cniVersion"), '"2"');
  assert.equal(findRaw(object, "isGateway"), "true");
  assert.equal(findRaw(object, "name"), undefined);
  assert.deepEqual(
    setRaw(object, "cniVersion", undefined).map(({ key }) => key),
    ["i\u017fGateway"],
  );
});

test("every object's members read back as JSON.parse reads them", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (object, indent) => {
      const raw = readRawObject(JSON.stringify(object, undefined, indent));
      assert.deepEqual(JSON.parse(writeRaw(raw)), JSON.parse(JSON.stringify(object)));
    }),
  );
});

test("any text is read or refused with a CNI error", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        readRawObject(text);
      } catch (error) {
        assert.ok(error instanceof CniError, String(error));
      }
    }),
  );
});
