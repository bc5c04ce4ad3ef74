/** Plugins where no daemon runs: each call is a process that holds the store for itself. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { enterTestHost, snapshot, temporaryDirectory } from "../../support/test-host.ts";
import { addressesIn, type Link, PluginScene } from "./plugin-scene.ts";

enterTestHost();

const built = join(import.meta.dirname, "../../../dist/cli");
const files = ["alone.cjs", "alone.joined", "alone.cache"].map((name) => join(built, name));
const unbuilt = !files.every((file) => existsSync(file)) && "the program for single calls is not built";
const chain: readonly Link[] = [
  {
    type: "bridge",
    bridge: "alone0",
    isDefaultGateway: true,
    ipMasq: true,
    ipam: { type: "host-local", ranges: [[{ subnet: "10.72.0.0/24" }]] },
  },
];

let scene: PluginScene;
let idle: unknown;
before(() => {
  scene = new PluginScene(12);
  idle = snapshot();
});
after(() => scene[Symbol.asyncDispose]());

test("a dozen at once wait for each other, have an address each, and leave nothing", async () => {
  const outcomes = await Promise.all(scene.containers.map((name) => scene.add(name, "alone", chain)));
  assert.deepEqual(
    outcomes.filter(({ status }) => status !== 0),
    [],
  );
  assert.equal(new Set(outcomes.flatMap(({ result }) => addressesIn(result))).size, scene.containers.length);
  await Promise.all(scene.containers.map((name) => scene.del(name, "alone", chain)));
  await scene.assertNothing(idle, "something is left");
  assert.deepEqual(await scene.stored(), []);
});

/** Asks the program for STATUS, with a store in `folder`. */
function statusOf(program: string, folder: string) {
  const { status, stdout } = spawnSync(
    process.execPath,
    [program, "--state-dir", join(folder, "state"), "--run-dir", join(folder, "run"), "cni", "plugin", "bridge"],
    {
      input: JSON.stringify({ cniVersion: "1.1.0", name: "alone", type: "bridge", bridge: "alone0" }),
      env: { CNI_COMMAND: "STATUS", CNI_PATH: folder },
      encoding: "utf8",
    },
  );
  return { status, stdout };
}

test("a store that cannot be opened is an error of CNI's on standard output, by either program", {
  skip: unbuilt,
}, () => {
  using directory = temporaryDirectory();
  mkdirSync(join(directory.path, "state"));
  writeFileSync(join(directory.path, "state/portolan.db"), "nothing like a database ".repeat(10));
  for (const program of [files[0] ?? "", join(built, "../../src/cli/main.ts")]) {
    const { status, stdout } = statusOf(program, directory.path);
    assert.equal(status, 1);
    const { cniVersion, msg } = JSON.parse(stdout);
    assert.deepEqual([cniVersion, msg], ["1.1.0", "the state store is damaged or no database"]);
  }
});

test("what was compiled for another Node.js, or is damaged or missing, is compiled anew", { skip: unbuilt }, () => {
  for (const cache of [undefined, "", "nothing that V8 would know"]) {
    using directory = temporaryDirectory();
    symlinkSync(join(built, "../../node_modules"), join(directory.path, "node_modules"));
    for (const file of files.slice(0, 2)) copyFileSync(file, join(directory.path, basename(file)));
    if (cache !== undefined) writeFileSync(join(directory.path, "alone.cache"), cache);
    assert.deepEqual(statusOf(join(directory.path, "alone.cjs"), directory.path), { status: 0, stdout: "" });
  }
});
