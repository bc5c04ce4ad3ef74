/** The result cache: its form is libcni's, and its entries are told apart by what they say. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readRawObject } from "../../../src/cni/protocol/raw-json.ts";
import { ResultCache } from "../../../src/cni/runtime/cache.ts";
import { type CachedAttachment, readEntry, writeEntry } from "../../../src/cni/runtime/cache-entry.ts";
import { temporaryDirectory } from "../../support/test-host.ts";

const attachment: CachedAttachment = {
  network: "front",
  containerId: "web",
  interfaceName: "eth0",
  namespace: "/run/netns/web",
  args: [["IgnoreUnknown", "1"]],
  capabilities: readRawObject('{"mac":"02:00:00:00:00:01","n":9007199254740993}'),
  configuration: '{"name":"front"}',
  result: '{"cniVersion":"1.0.0"}',
};

test("an entry is written as libcni does, and read back", () => {
  const text = writeEntry(attachment);
  assert.equal(
    text,
    '{"kind":"cniCacheV1","containerId":"web","config":"eyJuYW1lIjoiZnJvbnQifQ==","ifName":"eth0","networkName":"front","netns":"/run/netns/web","cniArgs":[["IgnoreUnknown","1"]],"capabilityArgs":{"mac":"02:00:00:00:00:01","n":9007199254740993},"result":{"cniVersion":"1.0.0"}}',
  );
  assert.deepEqual(readEntry(text), { kind: "attachment", attachment });
});

test("what older ones wrote is a bare result", () => {
  assert.deepEqual(readEntry('{"ip4":{"ip":"10.0.0.2/24"}}\n'), {
    kind: "result",
    result: '{"ip4":{"ip":"10.0.0.2/24"}}',
  });
});

test("attachments whose names join to the same do not meet", () => {
  using directory = temporaryDirectory();
  const cache = new ResultCache(directory.path);
  const one = { ...attachment, network: "a-b", containerId: "c" };
  const other = { ...attachment, network: "a", containerId: "b-c" };
  cache.put(one);
  cache.put(other);
  cache.put(one);
  assert.deepEqual(readdirSync(join(directory.path, "results")).toSorted(), ["a-b-c-eth0", "a-b-c-eth0~2"]);
  for (const key of [one, other]) {
    const found = cache.find(key);
    assert.ok(found.kind === "attachment" && found.attachment.network === key.network);
  }
  assert.equal(cache.list().attachments.length, 2);
  assert.deepEqual(
    cache.ofInterface(other).map(({ network }) => network),
    ["a"],
  );
  cache.delete(other);
  assert.deepEqual(cache.find(other), { kind: "nothing" });
  assert.equal(cache.find(one).kind, "attachment");
});

test("what cannot be read is told, and can be written over and deleted", () => {
  using directory = temporaryDirectory();
  const results = join(directory.path, "results");
  mkdirSync(results);
  const file = join(results, "front-web-eth0");
  for (const text of ["", "{", '{"kind":"cniCacheV1"}', '{"kind":"cniCacheV1","config":7}']) {
    writeFileSync(file, text);
    const cache = new ResultCache(directory.path);
    assert.equal(cache.find(attachment).kind, "unreadable", text);
    assert.deepEqual(
      cache.list().unreadable.map((one) => one.file),
      [file],
    );
    cache.put(attachment);
    assert.equal(readFileSync(file, "utf8"), writeEntry(attachment));
    cache.delete(attachment);
    assert.deepEqual(readdirSync(directory.path, { recursive: true }), ["results"]);
  }
});

test("names that no file can have are refused before anything is done", () => {
  using directory = temporaryDirectory();
  const cache = new ResultCache(directory.path);
  assert.throws(() => cache.find({ ...attachment, containerId: "c".repeat(250) }), { code: "invalid-argument" });
});
