import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readCniArgs, readEnvironment } from "../../../../src/cni/protocol/environment.ts";
import { CniError } from "../../../../src/cni/protocol/errors.ts";
import { findRaw, readRawObject, setRaw, writeRaw } from "../../../../src/cni/protocol/raw-json.ts";

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
  const only = (work: () => unknown): void => {
    try {
      work();
    } catch (error) {
      assert.ok(error instanceof CniError, String(error));
    }
  };
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      only(() => readRawObject(text));
      only(() => readCniArgs(text));
      only(() => readEnvironment({ CNI_COMMAND: "DEL", CNI_CONTAINERID: text, CNI_IFNAME: text, CNI_PATH: text }));
    }),
  );
});

const call = { CNI_COMMAND: "ADD", CNI_CONTAINERID: "c", CNI_NETNS: "/n", CNI_IFNAME: "eth0", CNI_PATH: "/a:/b" };
const refusals: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
  [{ CNI_COMMAND: "FOO" }, "unknown CNI_COMMAND: FOO"],
  [{ CNI_CONTAINERID: "" }, "required env variables [CNI_CONTAINERID] missing"],
  [{ CNI_CONTAINERID: "a/b" }, "invalid characters in containerID"],
  [{ CNI_CONTAINERID: "a\n" }, "invalid characters in containerID"],
  [{ CNI_IFNAME: "0123456789abcdef" }, "interface name is too long"],
  [{ CNI_ARGS: "A" }, 'ARGS: invalid pair "A"'],
];
for (const [change, message] of refusals) {
  test(`refuses ${JSON.stringify(change)}`, () => {
    assert.throws(() => readEnvironment({ ...call, ...change }), { name: "CniError", code: 4, message });
  });
}

test("reads a call; a DEL may lack its namespace", () => {
  const read = readEnvironment({ ...call, CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=web" });
  assert.deepEqual(read.path, ["/a", "/b"]);
  assert.equal(read.args.get("K8S_POD_NAME"), "web");
  assert.equal(readEnvironment({ ...call, CNI_COMMAND: "DEL", CNI_NETNS: "" }).netns, "");
});
