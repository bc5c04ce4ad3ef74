/** Network configurations in directories: which are read, which win, and what is told of the others. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { filesByName, findNetwork, readFiles } from "../../../src/cni/runtime/directories.ts";
import { readList, readNetworkFile } from "../../../src/cni/runtime/network.ts";
import { chosenByName, chosenForPods } from "../../../src/cni/runtime/which.ts";
import { type ErrorCode, isPortolanError } from "../../../src/errors.ts";
import { temporaryDirectory } from "../../support/test-host.ts";

/** A directory of files by their names; what is no text is written as JSON. */
function directoryOf(files: Readonly<Record<string, unknown>>): Disposable & { readonly path: string } {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  }
  return directory;
}

const list = (name: string, more: object = {}): object => ({
  cniVersion: "1.0.0",
  name,
  plugins: [{ type: "bridge" }],
  ...more,
});
const throws = (code: ErrorCode, words: RegExp, work: () => unknown): void =>
  assert.throws(work, (error) => {
    assert.ok(isPortolanError(error, code), String(error));
    assert.match(`${error.message} ${error.reason} ${error.advice}`, words);
    return true;
  });

test("a name is looked for in lists first, then in single plugins, by the files' names", () => {
  using directory = directoryOf({
    "00-x.conf": { name: "x", type: "ptp", cniVersion: "0.4.0" },
    "10-x.conflist": list("x"),
    "20-x.conflist": list("x"),
    "05-y.json": { name: "y", type: "macvlan" },
    "readme.txt": "no configuration",
  });
  const { network } = findNetwork([directory.path], "x");
  assert.equal(network.file, join(directory.path, "10-x.conflist"));
  const single = findNetwork([directory.path], "y").network;
  assert.deepEqual([single.version, single.plugins.map(({ type }) => type)], ["0.1.0", ["macvlan"]]);
  const choice = chosenByName([directory.path], "x");
  assert.deepEqual(choice?.hidden, [join(directory.path, "20-x.conflist"), join(directory.path, "00-x.conf")]);
  assert.equal(chosenForPods([directory.path])?.network.file, join(directory.path, "00-x.conf"));
});

test("a file that cannot be used hides no other network, and is told", () => {
  using directory = directoryOf({
    "00-broken.conflist": '{"name":',
    "05-empty.conflist": { name: "e" },
    "10-x.conflist": list("x"),
  });
  const { network, unusable } = findNetwork([directory.path], "x");
  assert.equal(network.name, "x");
  assert.deepEqual(
    unusable.map(({ file, name }) => [file.slice(-18), name]),
    [
      ["00-broken.conflist", undefined],
      ["/05-empty.conflist", "e"],
    ],
  );
  throws("invalid-argument", /no plugins/, () => findNetwork([directory.path], "e"));
  throws("not-found", /00-broken[\s\S]*05-empty[\s\S]*did you mean "x"/, () => findNetwork([directory.path], "xx"));
  assert.deepEqual(chosenForPods([directory.path])?.unusable.length, 2);
});

test("directories are searched in order, and need not be there", () => {
  using first = directoryOf({ "x.conf": { name: "x", type: "ptp" } });
  using second = directoryOf({ "x.conflist": list("x") });
  assert.equal(findNetwork(["/nonexistent", first.path, second.path], "x").network.plugins[0]?.type, "ptp");
  throws("not-found", /put a \.conflist there/, () => findNetwork(["/nonexistent"], "x"));
});

test("plugins in the network's folder come after the list's own, unless the list forbids it", () => {
  using directory = directoryOf({
    "x.conflist": list("x"),
    "x/20-b.conf": { type: "portmap" },
    "x/10-a.conf": '{"type":"tuning","n":9007199254740993}',
    "x/30-c.json": { type: "ignored" },
    "y.conflist": { cniVersion: "1.1.0", name: "y" },
    "y/1.conf": { type: "bridge" },
    "z.conflist": list("z", { loadOnlyInlinedPlugins: "true" }),
    "z/1.conf": { type: "tuning" },
    "w.conflist": { name: "w", loadOnlyInlinedPlugins: true },
    "w/1.conf": { type: "tuning" },
  });
  const types = (name: string): readonly string[] =>
    findNetwork([directory.path], name).network.plugins.map(({ type }) => type);
  assert.deepEqual(types("x"), ["bridge", "tuning", "portmap"]);
  assert.deepEqual(types("y"), ["bridge"]);
  assert.deepEqual(types("z"), ["bridge"]);
  throws("invalid-argument", /there are no plugins/, () => types("w"));
  // What caches keep is whole.
  const { text } = findNetwork([directory.path], "x").network;
  assert.match(text, /9007199254740993/);
  assert.deepEqual(
    readList(text, "cache").plugins.map(({ type }) => type),
    ["bridge", "tuning", "portmap"],
  );
  using broken = directoryOf({ "x.conflist": list("x"), "x/1.conf": "{}" });
  throws("invalid-argument", /x\/1\.conf a plugin has no type/, () => findNetwork([broken.path], "x"));
});

const versions: readonly (readonly [name: string, offered: object, chosen: string | RegExp])[] = [
  ["what it says", { cniVersion: "0.3.1" }, "0.3.1"],
  ["nothing said is 0.1.0", { cniVersion: undefined }, "0.1.0"],
  ["the newest of several that is spoken", { cniVersion: "0.4.0", cniVersions: ["0.3.1", "1.1.0", "1.2.0"] }, "1.1.0"],
  ["cniVersion counts among them", { cniVersion: "1.0.0", cniVersions: ["0.3.1", "0.4.0"] }, "1.0.0"],
  ["several alone", { cniVersion: undefined, cniVersions: ["0.3.0", "0.2.0"] }, "0.3.0"],
  ["a newer one alone", { cniVersion: "1.2.0" }, /write one of 0\.1\.0, .*1\.1\.0/],
];

for (const [name, offered, chosen] of versions) {
  test(`version: ${name}`, () => {
    const text = JSON.stringify(list("x", offered));
    if (typeof chosen === "string") assert.equal(readList(text, "f").version, chosen);
    else throws("unsupported", chosen, () => readList(text, "f"));
  });
}

test("switches are read as texts too", () => {
  const { disableCheck, disableGc } = readList(
    JSON.stringify(list("x", { disableCheck: "true", disableGC: true })),
    "f",
  );
  assert.deepEqual([disableCheck, disableGc], [true, true]);
  const plain = readList(JSON.stringify(list("x", { disableCheck: "false" })), "f");
  assert.deepEqual([plain.disableCheck, plain.disableGc], [false, false]);
});

const refusals: readonly (readonly [text: string, words: RegExp])[] = [
  ["", /JSON/],
  ["[]", /not a JSON object/],
  ['{"plugins":[{"type":"a"}]}', /no name/],
  ['{"name":"a/b","plugins":[{"type":"a"}]}', /"a\/b" cannot be a network's name/],
  ['{"name":7,"plugins":[{"type":"a"}]}', /name is no text/],
  ['{"name":"a"}', /no plugins/],
  ['{"name":"a","plugins":{}}', /plugins is no array/],
  ['{"name":"a","plugins":[]}', /no plugins/],
  ['{"name":"a","plugins":[7]}', /not a JSON object/],
  ['{"name":"a","plugins":[{}]}', /a plugin has no type/],
  ['{"name":"a","disableGC":"yes","plugins":[{"type":"a"}]}', /disableGC is neither true nor false/],
  ['{"name":"a","cniVersions":"1.0.0","plugins":[{"type":"a"}]}', /cniVersions is no array/],
];

for (const [text, words] of refusals) {
  test(`refused, with the file's name: ${text || "nothing"}`, () => {
    throws("invalid-argument", words, () => readList(text, "/etc/cni/net.d/f.conflist"));
    assert.throws(() => readList(text, "/etc/f"), { object: 'file "/etc/f"' });
  });
}

test("a list under a single plugin's ending is refused by name", () => {
  using directory = directoryOf({ "x.conf": list("x") });
  throws("invalid-argument", /\.conflist/, () => readNetworkFile(join(directory.path, "x.conf")));
});

test("every file of a directory is told as one or the other", () => {
  using directory = directoryOf({ "a.conflist": list("a"), "b.conf": { name: "b", type: "t" }, "c.json": "{" });
  const { networks, unusable } = readFiles(filesByName([directory.path]));
  assert.deepEqual([networks.map(({ name }) => name), unusable.length], [["a", "b"], 1]);
});
