/** The runtime with plugins that are scripts: what each is called with, in which order, and what becomes of those that hang, crash or talk nonsense. */
import assert from "node:assert/strict";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PortolanError } from "../../../src/errors.ts";
import { namespace, RuntimeScene } from "../../support/cni/runtime-scene.ts";
import { enterTestHost } from "../../support/test-host.ts";
import { content, order, refuses } from "./runtime-scripts.ts";

enterTestHost();
const path = namespace("scripts");
const attachment = { containerId: "c", interfaceName: "eth0", namespace: path };
const named = { containerId: "c", interfaceName: "eth0" };

test("ADD and CHECK go forwards, DEL backwards, each with the result it is to have", async () => {
  using scene = new RuntimeScene();
  scene.script("one", content('{"cniVersion":"1.0.0","n":1,"big":9007199254740993}'));
  scene.script("two", content('{"cniVersion":"1.0.0","n":2}'));
  const network = scene.network("n", [{ type: "one", capabilities: { mac: true } }, { type: "two" }]);
  const capabilities = { mac: "02:00:00:00:00:01", ips: ["10.0.0.1"] };
  const { text } = await scene.runtime.add(network, { ...attachment, capabilities });
  assert.equal(text, '{"cniVersion":"1.0.0","n":2}');
  await scene.runtime.check(network, named);
  await scene.runtime.del(network, named);
  const calls = scene.calls();
  assert.deepEqual(
    calls.map(({ command, type, configuration }) => {
      const result: unknown = configuration["prevResult"];
      const number = typeof result === "object" && result !== null && "n" in result ? result.n : "none";
      return `${command} ${type} ${number} ${JSON.stringify(configuration["runtimeConfig"])}`;
    }),
    [
      'ADD one none {"mac":"02:00:00:00:00:01"}',
      "ADD two 1 undefined",
      'CHECK one 2 {"mac":"02:00:00:00:00:01"}',
      "CHECK two 2 undefined",
      "DEL two 2 undefined",
      'DEL one 2 {"mac":"02:00:00:00:00:01"}',
    ],
  );
  assert.match(calls[1]?.text ?? "", /"big":9007199254740993/);
  assert.ok(calls.every(({ configuration }) => !("capabilities" in configuration)));
});

test("DEL stops where a plugin fails, and goes on from the beginning the next time", async () => {
  using scene = new RuntimeScene();
  scene.script("one", content("{}"));
  scene.script("two", `${content("{}")}; test "$CNI_COMMAND" != DEL || test -e "${scene.path}/ready" || exit 1`);
  const network = scene.network("n", [{ type: "one" }, { type: "two" }]);
  await scene.runtime.add(network, attachment);
  scene.calls();
  await assert.rejects(scene.runtime.del(network, named), refuses("plugin", /ended with status 1 and said nothing/));
  assert.deepEqual([order(scene), scene.cached()], [["DEL two"], ["n-c-eth0"]]);
  writeFileSync(join(scene.path, "ready"), "");
  await scene.runtime.del(network, named);
  assert.deepEqual([order(scene), scene.cached()], [["DEL two", "DEL one"], []]);
});

test("DEL goes on without a cache that cannot be read, and takes an older one", async () => {
  using scene = new RuntimeScene();
  scene.script("one", content("{}"));
  const network = scene.network("n", [{ type: "one" }]);
  const file = join(scene.cache, "results", "n-c-eth0");
  mkdirSync(join(scene.cache, "results"), { recursive: true });
  for (const [text, result] of [
    ["{broken", undefined],
    ['{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.2/24"}}', "1.0.0"],
  ] as const) {
    writeFileSync(file, text);
    await scene.runtime.del(network, attachment);
    const prevResult: unknown = scene.calls()[0]?.configuration["prevResult"];
    assert.equal(
      typeof prevResult === "object" && prevResult !== null && "cniVersion" in prevResult
        ? prevResult.cniVersion
        : undefined,
      result,
    );
    assert.deepEqual(scene.cached(), []);
  }
});

test("below 0.4.0 DEL is told no result, and there is no CHECK", async () => {
  using scene = new RuntimeScene();
  scene.script("one", content('{"cniVersion":"0.3.1"}'));
  const network = scene.network("n", [{ type: "one" }], { cniVersion: "0.3.1" });
  await scene.runtime.add(network, attachment);
  await assert.rejects(scene.runtime.check(network, named), refuses("unsupported", /0\.3\.1, which has no CHECK/));
  await scene.runtime.del(network, named);
  assert.equal(scene.calls().at(-1)?.configuration["prevResult"], undefined);
});

test("a plugin that hangs is killed with what it started, and the chain is undone", async () => {
  using scene = new RuntimeScene();
  scene.script("hang", `test "$CNI_COMMAND" = ADD || exit 0; sleep 300 & echo $! > "${scene.path}/child"; wait`);
  const network = scene.network("n", [{ type: "hang" }]);
  const impatient = new RuntimeScene({ pluginDirectories: [scene.scripts], timeout: 300 });
  await assert.rejects(
    impatient.runtime.add(network, attachment),
    refuses("plugin", /did not end within 0\.3 s, and was killed/),
  );
  impatient[Symbol.dispose]();
  const child = readFileSync(join(scene.path, "child"), "utf8").trim();
  await sleep(50);
  assert.ok(!existsSync(`/proc/${child}`) || /State:\s+Z/.test(readFileSync(`/proc/${child}/status`, "utf8")));
  assert.deepEqual(order(scene), ["ADD hang", "DEL hang"]);
});

test("an ADD that is taken back kills the plugin, and is undone", async () => {
  using scene = new RuntimeScene();
  scene.script("hang", 'test "$CNI_COMMAND" = ADD || exit 0; sleep 300');
  const network = scene.network("n", [{ type: "hang" }]);
  const abort = new AbortController();
  const why = new PortolanError("aborted", "the caller went away");
  setTimeout(() => abort.abort(why), 200);
  await assert.rejects(scene.runtime.add(network, attachment, { signal: abort.signal }), (error) => error === why);
  assert.deepEqual(order(scene), ["ADD hang", "DEL hang"]);
  await assert.rejects(scene.runtime.del(network, named, { signal: abort.signal }), (error) => error === why);
  assert.deepEqual(order(scene), []);
});

test("a plugin that is being installed is tried until it can be executed", async () => {
  using scene = new RuntimeScene();
  scene.script("busy", content("{}"));
  const network = scene.network("n", [{ type: "busy" }]);
  const writer = openSync(join(scene.scripts, "busy"), "r+");
  setTimeout(() => closeSync(writer), 300);
  const start = performance.now();
  await scene.runtime.add(network, attachment);
  assert.ok(performance.now() - start > 250);
  await scene.runtime.del(network, named);
});

const nonsense: readonly (readonly [name: string, body: string, words: RegExp])[] = [
  ["prints no JSON", "echo hello", /its result cannot be used: error unmarshall result/],
  ["prints nothing", "true", /its result cannot be used/],
  ["prints a result of the future", `echo '{"cniVersion":"7.0.0"}'`, /version 7\.0\.0/],
  ["is killed", "kill -9 $$", /it was ended by SIGKILL and said nothing/],
  ["prints for ever", "cat /dev/zero", /more than 16 MiB/],
  ["ends before its input is read", "exec 0<&-; exit 3", /status 3/],
];

for (const [name, body, words] of nonsense) {
  test(`a plugin that ${name} fails with what is known of it`, async () => {
    using scene = new RuntimeScene();
    scene.script("odd", `test "$CNI_COMMAND" = ADD || exit 0; ${body}`);
    const network = scene.network("n", [{ type: "odd", padding: "x".repeat(200_000) }]);
    await assert.rejects(scene.runtime.add(network, attachment), refuses("plugin", words));
    assert.deepEqual(scene.cached(), []);
  });
}

test("a plugin that reads nothing is none the worse for it", async () => {
  using scene = new RuntimeScene();
  const file = join(scene.scripts, "deaf");
  writeFileSync(file, "#!/bin/sh\nexec 0<&-\nsleep 0.1\necho {}\n", { mode: 0o755 });
  const network = scene.network("n", [{ type: "deaf", padding: "x".repeat(200_000) }]);
  assert.equal((await scene.runtime.add(network, attachment)).text, '{"cniVersion":"1.0.0"}');
  await scene.runtime.del(network, named);
});

test("a plugin whose child keeps its output open is not waited for", async () => {
  using scene = new RuntimeScene();
  scene.script("daemonic", `test "$CNI_COMMAND" = ADD || exit 0; sleep 4 & echo '{"cniVersion":"1.0.0"}'`);
  const network = scene.network("n", [{ type: "daemonic" }]);
  const start = performance.now();
  const { text } = await scene.runtime.add(network, attachment);
  assert.equal(text, '{"cniVersion":"1.0.0"}');
  assert.ok(performance.now() - start < 3000);
});

test("a plugin that cannot be executed, or is not there, is named before anything is done", async () => {
  using scene = new RuntimeScene();
  scene.script("one", content("{}"));
  writeFileSync(join(scene.scripts, "inert"), "#!/bin/sh\n");
  await assert.rejects(
    scene.runtime.add(scene.network("a", [{ type: "one" }, { type: "nosuch" }]), attachment),
    refuses("not-found", /no plugin "nosuch"/),
  );
  assert.deepEqual(order(scene), []);
  await assert.rejects(
    scene.runtime.add(scene.network("b", [{ type: "inert" }]), attachment),
    refuses("plugin", /cannot be executed.*EACCES/),
  );
});

test("names that plugins would refuse are refused before", async () => {
  using scene = new RuntimeScene();
  scene.script("one", content("{}"));
  const network = scene.network("n", [{ type: "one" }]);
  for (const [wrong, words] of [
    [{ containerId: "-c" }, /invalid characters in containerID/],
    [{ interfaceName: "a b" }, /whitespace/],
    [{ namespace: "netns/x" }, /no absolute path/],
  ] as const) {
    const request = { ...attachment, ...wrong };
    assert.throws(() => scene.runtime.add(network, request), refuses("invalid-argument", words));
    assert.throws(() => scene.runtime.del(network, request), refuses("invalid-argument", words));
  }
  assert.deepEqual(order(scene), []);
});

test("null is an empty result, and a missing version is the network's", async () => {
  using scene = new RuntimeScene();
  scene.script("null", content("null"));
  scene.script("bare", content('{"dns":{}}'));
  const network = scene.network("n", [{ type: "null" }, { type: "bare" }]);
  const { text } = await scene.runtime.add(network, attachment);
  assert.equal(text, '{"dns":{},"cniVersion":"1.0.0"}');
  assert.deepEqual(scene.calls()[1]?.configuration["prevResult"], { cniVersion: "1.0.0" });
  await scene.runtime.del(network, named);
});

test("operations on one container wait for each other, and GC for all of them", async () => {
  using scene = new RuntimeScene();
  const marks = `echo "start $CNI_COMMAND" >> "${scene.path}/marks"; sleep 0.2; echo "end $CNI_COMMAND" >> "${scene.path}/marks"`;
  scene.script("slow", `${marks}; ${content("{}")}`);
  const network = scene.network("n", [{ type: "slow" }], { cniVersion: "1.1.0" });
  // Valid, so that the only DEL is the one that is asked for.
  const valid = [named];
  await Promise.all([
    scene.runtime.add(network, attachment),
    scene.runtime.del(network, named),
    scene.runtime.gc(network, valid),
  ]);
  const marked = readFileSync(join(scene.path, "marks"), "utf8").trim().split("\n");
  const ended = marked.filter((line) => line.startsWith("end"));
  assert.deepEqual(
    marked,
    ended.flatMap((line) => [line.replace("end", "start"), line]),
  );
  assert.ok(ended.indexOf("end ADD") < ended.indexOf("end DEL"));
});
