import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { install, referenceTypes } from "../../../src/cni/install.ts";
import { isOwnPlugin, ownPluginCheck } from "../../../src/cni/installed.ts";
import { pluginProgram, staticProgram } from "../../../src/cni/program.ts";
import { type Installation, readTrailer, trailerOf } from "../../../src/cni/trailer.ts";
import { isPortolanError } from "../../../src/errors.ts";

const root = resolve(import.meta.dirname, "../../..");
const installation: Installation = { socket: "/run/é/p.sock", command: ["/opt/p/bin/portolan", "--run-dir", "/a b"] };

class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "portolan-install-"));
  file(name: string, text: string | Buffer): string {
    writeFileSync(join(this.path, name), text);
    return join(this.path, name);
  }
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

test("a trailer is read back from the end of a file, and is a line of text", () => {
  using folder = new Folder();
  const trailer = trailerOf(installation);
  assert.equal(trailer, "/run/é/p.sock\t/opt/p/bin/portolan\t--run-dir\t/a b\tPORTOLAN-CNI-1 00000049\n");
  assert.deepEqual(readTrailer(folder.file("short", trailer)), installation);
  assert.deepEqual(
    readTrailer(folder.file("long", Buffer.concat([Buffer.alloc(9000), Buffer.from(trailer)]))),
    installation,
  );
});

test("what is not whole is no trailer", () => {
  using folder = new Folder();
  const trailer = trailerOf(installation);
  for (const text of [
    "",
    "x",
    trailer.slice(0, -1),
    `${trailer}\n`,
    trailer.slice(1),
    trailer.replace("00000049", "0000004x"),
    "/only/a/socket\tPORTOLAN-CNI-1 00000014\n",
  ])
    assert.equal(readTrailer(folder.file("file", text)), undefined, JSON.stringify(text));
});

test("what a plugin could not read is refused", () => {
  const refused = (installed: Installation, reason: RegExp): void =>
    assert.throws(
      () => trailerOf(installed),
      (error) => isPortolanError(error, "invalid-argument") && reason.test(error.reason ?? ""),
    );
  refused({ socket: `/${"s".repeat(107)}`, command: ["/p"] }, /longer than 107 bytes/);
  refused({ socket: "/s", command: ["/a\tb"] }, /tab/);
  refused({ socket: "", command: ["/p"] }, /empty/);
  refused({ socket: "/s", command: ["/p", ...Array(15).fill("--x")] }, /too many/);
  refused({ socket: "/s", command: [`/${"p".repeat(5000)}`] }, /too long/);
  assert.ok(trailerOf({ socket: `/${"s".repeat(106)}`, command: ["/p", ...Array(14).fill("--x")] }));
});

test("our own plugins are known by their trailer, read once for each state of a file", () => {
  using folder = new Folder();
  const path = folder.file("bridge", trailerOf(installation));
  let reads = 0;
  const own = ownPluginCheck((file) => {
    reads++;
    return readTrailer(file);
  });
  assert.deepEqual([own(path), own(path), reads], [true, true, 1]);
  appendFileSync(path, "x");
  assert.deepEqual([own(path), own(path), reads], [false, false, 2]);
  // The same size, at another time.
  const before = statSync(path).size;
  writeFileSync(path, trailerOf(installation).padStart(before, "x"));
  utimesSync(path, 1, 1);
  assert.deepEqual([statSync(path).size, own(path), reads], [before + 1, true, 3]);
  rmSync(path);
  assert.equal(own(path), false);
});

test("folders, missing files and what cannot be read are not ours", () => {
  using folder = new Folder();
  mkdirSync(join(folder.path, "folder"));
  symlinkSync("nowhere", join(folder.path, "link"));
  for (const name of ["folder", "missing", "link", "missing/below"])
    assert.equal(isOwnPlugin(join(folder.path, name)), false);
});

test("the static program counts where it was built for this machine", () => {
  using folder = new Folder();
  const header = Buffer.alloc(64);
  header.writeUInt16LE(183, 18);
  const path = folder.file("program", header);
  assert.deepEqual(staticProgram(path, "arm64"), header);
  assert.equal(staticProgram(path, "x64"), undefined);
  assert.equal(staticProgram(path, "riscv64"), undefined);
  assert.equal(staticProgram(join(folder.path, "missing"), "x64"), undefined);
});

test("every name is the same file, which is replaced whole", () => {
  using folder = new Folder();
  const directory = join(folder.path, "new/bin");
  const types = ["portolan", "bridge"];
  const { bytes, kind } = pluginProgram(installation, "1.2.3", Buffer.from("\x7fELF"));
  assert.equal(kind, "static");
  const written = install({ directory, types, program: bytes, force: false });
  assert.deepEqual(written, { plugins: types.map((type) => join(directory, type)) });
  assert.deepEqual(readdirSync(directory).toSorted(), ["bridge", "portolan"]);
  const [first, second] = types.map((type) => statSync(join(directory, type)));
  assert.deepEqual([first?.ino, first?.mode], [second?.ino, 0o100755]);
  assert.deepEqual(readFileSync(join(directory, "bridge")), bytes);
  const open = readTrailer(join(directory, "bridge"));
  assert.deepEqual(open, installation);
  const again = pluginProgram(installation, "1.2.4", undefined);
  assert.equal(again.kind, "node");
  install({ directory, types: ["bridge"], program: again.bytes, force: false });
  assert.deepEqual(readFileSync(join(directory, "bridge")), again.bytes);
  assert.deepEqual(readFileSync(join(directory, "portolan")), bytes);
});

test("a file that is not ours stops all of it, and is named; --force replaces it", () => {
  using folder = new Folder();
  const path = folder.file("portmap", "theirs");
  const conflist = { directory: join(folder.path, "net.d"), network: "web" };
  const plan = {
    directory: folder.path,
    types: ["portolan", "bridge", "portmap"],
    program: Buffer.from(trailerOf(installation)),
    conflist,
    force: false,
  };
  const refused = (named: string): void =>
    assert.throws(
      () => install(plan),
      (error) =>
        isPortolanError(error, "exists") && error.message.includes(named) && /--force/.test(error.advice ?? ""),
    );
  refused(path);
  assert.deepEqual(readdirSync(folder.path), ["portmap"]);
  rmSync(path);
  symlinkSync("/bin/sh", path);
  refused(path);
  rmSync(path);
  const list = join(conflist.directory, "10-portolan.conflist");
  assert.deepEqual(install(plan).conflist, list);
  assert.deepEqual(install(plan).conflist, list);
  writeFileSync(list, "{}");
  refused(list);
  writeFileSync(path, "theirs");
  install({ ...plan, force: true });
  assert.ok(isOwnPlugin(path));
  assert.deepEqual(JSON.parse(readFileSync(list, "utf8")), {
    cniVersion: "1.0.0",
    cniVersions: ["1.0.0", "1.1.0"],
    name: "web",
    plugins: [
      {
        type: "portolan",
        driver: "bridge",
        capabilities: { portMappings: true, ips: true, mac: true, aliases: true, dns: true, bandwidth: true },
      },
    ],
  });
});

/** Runs the command. */
function cniInstall(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, "src/cli/main.ts"), "cni", "install", ...words],
    {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], ...env },
    },
  );
  return { status, stdout, stderr };
}

test("the command tells what it wrote, and writes where the engine is into it", () => {
  using folder = new Folder();
  const bin = join(folder.path, "bin");
  const env = { PORTOLAN_RUN_DIR: join(folder.path, "run") };
  const { status, stdout, stderr } = cniInstall(
    ["--dir", bin, "--as-reference", "--conflist", folder.path, "--name", "web", "--format", "json"],
    env,
  );
  assert.equal(status, 0, stderr);
  const told = JSON.parse(stdout);
  const types = ["portolan", ...referenceTypes];
  assert.deepEqual(
    told.plugins,
    types.map((type) => join(bin, type)),
  );
  assert.ok(existsSync(told.conflist));
  const installed = readTrailer(join(bin, "vrf"));
  assert.deepEqual(installed, {
    socket: join(folder.path, "run/portolan.sock"),
    command: [join(root, "bin/portolan"), "--run-dir", join(folder.path, "run")],
  });
  assert.deepEqual([told.socket, told.command], [installed?.socket, installed?.command]);
});

test("the command refuses what it cannot do", () => {
  using folder = new Folder();
  for (const [words, says] of [
    [[], /--dir is missing/],
    [["--dir", folder.path, "--types", "bridge,portmaps"], /no plugin type "portmaps"[\s\S]*did you mean "portmap"\?/],
    [["--dir", folder.path, "--name", "web"], /give --conflist/],
    [["--dir", folder.path, "--conflist", folder.path, "--name", "a b"], /"a b" cannot be the name/],
  ] as const) {
    const { status, stderr } = cniInstall(words);
    assert.equal(status, 2);
    assert.match(stderr, says);
  }
  assert.deepEqual(readdirSync(folder.path), []);
});
