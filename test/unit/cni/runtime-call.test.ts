/** What plugins are called with, and what is read of their answers. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readRawArray, readRawObject } from "../../../src/cni/protocol/raw-json.ts";
import { pluginEnvironment, pluginInput } from "../../../src/cni/runtime/call.ts";
import { pluginFailure, readFailure, withMore } from "../../../src/cni/runtime/failure.ts";
import { readList } from "../../../src/cni/runtime/network.ts";
import { findPlugin } from "../../../src/cni/runtime/plugin-path.ts";
import { fittedResult } from "../../../src/cni/runtime/result.ts";
import { temporaryDirectory } from "../../support/test-host.ts";

const network = readList(
  '{"cniVersion":"1.1.0","name":"n","plugins":[{ "type" : "t", "big":9007199254740993, "2":1.0, "Name":"other", "prevResult":{"x":1}, "capabilities":{"ips":true,"mac":false,"dns":true} }]}',
  "f",
);
const [plugin] = network.plugins;
assert.ok(plugin);

test("a plugin's own text is sent unchanged, with version and name in it, and without what is the runtime's", () => {
  const capabilities = readRawObject('{"ips":["10.0.0.9"],"mac":"02:00:00:00:00:01","id":18446744073709551615}');
  assert.equal(
    pluginInput(network, plugin, { capabilities }),
    '{"type":"t","big":9007199254740993,"2":1.0,"name":"n","cniVersion":"1.1.0","runtimeConfig":{"ips":["10.0.0.9"]}}',
  );
});

test("the former result and the valid attachments are sent where they belong", () => {
  const sent = JSON.parse(pluginInput(network, plugin, { prevResult: '{"cniVersion":"1.1.0"}' }));
  assert.deepEqual(sent.prevResult, { cniVersion: "1.1.0" });
  assert.ok(!("runtimeConfig" in sent) && !("cni.dev/valid-attachments" in sent));
  const valid = [{ containerId: "a", interfaceName: "eth0" }];
  const collecting = JSON.parse(pluginInput(network, plugin, { valid }));
  for (const key of ["cni.dev/valid-attachments", "cni.dev/attachments"]) {
    assert.deepEqual(collecting[key], [{ containerID: "a", ifname: "eth0" }]);
  }
});

test("the environment is the caller's, with all of CNI's variables", () => {
  const base = { PATH: "/bin", CNI_ARGS: "OLD=1", CNI_CONTAINERID: "old" };
  const attachment = {
    containerId: "c",
    interfaceName: "eth0",
    namespace: "/run/netns/x",
    args: [
      ["A", "1"],
      ["B", "2"],
    ],
    capabilities: [],
  } as const;
  assert.deepEqual(pluginEnvironment("ADD", ["/a", "/b"], attachment, base), {
    PATH: "/bin",
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "c",
    CNI_NETNS: "/run/netns/x",
    CNI_ARGS: "A=1;B=2",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/a:/b",
  });
  const { CNI_CONTAINERID, CNI_ARGS } = pluginEnvironment("GC", [], undefined, base);
  assert.deepEqual([CNI_CONTAINERID, CNI_ARGS], ["", ""]);
});

const ended = { status: 1, signal: null };
const failures: readonly (readonly [name: string, stdout: string, stderr: string, words: object])[] = [
  [
    "an error on standard output",
    '{"code":7,"msg":"bad","details":"d"}',
    "noise",
    { message: "bad", details: "d", code: 7 },
  ],
  ["words on standard error", "", "boom\n", { message: "boom" }],
  ["nothing", "", "", { message: "it ended with status 1 and said nothing" }],
  ["no JSON", "panic: x", "", { message: "it ended with status 1 and printed no JSON: panic: x" }],
  ["JSON without a message", "{}", "more", { message: "more" }],
  ["JSON that is no object", "7", "", { message: "it ended with status 1 and gave no message" }],
];

for (const [name, stdout, stderr, words] of failures) {
  test(`a failure of a plugin: ${name}`, () => assert.deepEqual(readFailure(stdout, stderr, ended), words));
}

test("CNI's numbers lead to codes of ours, and stay readable", () => {
  const codeOf = (code?: number): string =>
    pluginFailure("ADD", "p", { message: "m", ...(code !== undefined && { code }) }).code;
  assert.deepEqual([1, 7, 11, 50, 51, 999, undefined].map(codeOf), [
    "unsupported",
    "plugin",
    "unavailable",
    "unavailable",
    "unavailable",
    "plugin",
    "plugin",
  ]);
  const failure = withMore(pluginFailure("ADD", "p", { message: "m", details: "d", code: 11 }), {
    suppressed: [new Error("undo")],
  });
  assert.deepEqual(failure.toJSON(), {
    code: "unavailable",
    message: 'ADD: plugin "p" failed',
    object: 'plugin "p"',
    reason: "m; d (CNI code 11)",
    advice: "try it again a little later",
    suppressed: ["undo"],
  });
  assert.ok("cniCode" in failure && failure.cniCode === 11);
});

test("a result keeps its text, gets a missing version, and is converted from another one", () => {
  const text = '{ "cniVersion": "1.1.0", "x": 9007199254740993 }';
  assert.equal(fittedResult(`${text}\n`, "1.1.0"), text);
  assert.equal(fittedResult("null", "0.4.0"), '{"cniVersion":"0.4.0"}');
  assert.equal(fittedResult('{"ips":[]}', "1.0.0"), '{"ips":[],"cniVersion":"1.0.0"}');
  assert.equal(fittedResult('{"cniVersion":"","ips":[]}', "1.0.0"), '{"cniVersion":"1.0.0","ips":[]}');
  const old = '{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.2/24","gateway":"10.0.0.1"},"dns":{}}';
  assert.deepEqual(JSON.parse(fittedResult(old, "1.1.0")), {
    cniVersion: "1.1.0",
    ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }],
  });
  assert.throws(() => fittedResult('{"cniVersion":"1.0.0"}', "0.2.0"), /no valid IP addresses/);
  assert.throws(() => fittedResult('{"cniVersion":"9.0.0"}', "1.0.0"), /version 9\.0\.0/);
  assert.throws(() => fittedResult("", "1.0.0"), /result/);
  assert.throws(() => fittedResult("[]", "1.0.0"), /not a JSON object/);
});

test("a plugin's name is a file's, and the nearest one is offered", () => {
  assert.throws(() => findPlugin("../sh", ["/bin"]), { code: "invalid-argument" });
  assert.equal(findPlugin("sh", ["/nonexistent", "/bin"]), "/bin/sh");
  using directory = temporaryDirectory();
  writeFileSync(join(directory.path, "bridge"), "");
  assert.throws(() => findPlugin("brigde", [directory.path]), { code: "not-found", advice: /did you mean "bridge"/ });
  assert.throws(() => findPlugin("portmap", [directory.path]), { advice: "install it there, or name its directory" });
  // A directory is none.
  assert.throws(() => findPlugin("bin", ["/usr"]), { code: "not-found" });
});

test("an array's elements keep their text", () => {
  assert.deepEqual(readRawArray('[ 1.0 , {"a":[1,"]"]},"x,y", [] ]'), ["1.0", '{"a":[1,"]"]}', '"x,y"', "[]"]);
  assert.deepEqual(readRawArray("[]"), []);
  assert.equal(readRawArray("{}"), undefined);
});
