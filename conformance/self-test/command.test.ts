/** The command: what it prints in each format and how it ends, on plugins that fail and on those that pass. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { list, parse, text } from "../suite/json.ts";
import { dullDirectory } from "./mutant-directory.ts";

const root = process.getuid?.() === 0 ? false : "it makes network namespaces and needs root";
const reference = "/usr/lib/cni";
const unavailable = root || (existsSync(`${reference}/bridge`) ? false : "the reference plugins are not installed");

function command(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "../run.ts"), ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("--list names every check with its level and reference", () => {
  const { status, stdout } = command("--list", "--filter", "an unknown command is refused");
  assert.equal(status, 0);
  assert.equal(stdout, "envelope: an unknown command is refused with code 4 [required; CNI 1.1 §2 Parameters]\n");
});

test("a mistaken command line ends with 2", () => {
  assert.equal(command().status, 2);
  assert.equal(command("--plugins", reference, "--format", "verse").status, 2);
  assert.equal(command("--plugins", reference, "--service", "true").status, 2);
  assert.match(command("--plugins", reference, "--format", "verse").stderr, /--format FORMAT/);
});

test("a required check that fails ends it with 1, and its line says what was seen", { skip: root }, () => {
  using silent = dullDirectory(["bridge", "host-local"], "", 0);
  const { status, stdout } = command("--plugins", `mute=${silent.path}`, "--filter", "envelope: an unknown command");
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^FAIL envelope: an unknown command .*\[required; CNI 1\.1 §2 Parameters\]\n +FOO of bridge succeeded/m,
  );
  assert.match(stdout, /^mute {2}required 0 of 1, recommended 0 of 0, beyond 0 of 0, 0 not applicable$/m);
});

test("types that a directory does not hold make checks not applicable, with the reason", { skip: root }, () => {
  using silent = dullDirectory(["bridge"], "", 0);
  const { status, stdout } = command("--plugins", silent.path, "--filter", "envelope: an unknown command");
  assert.equal(status, 0);
  assert.match(stdout, /^n\/a {2}envelope: an unknown command .* \(no plugin host-local\)$/m);
});

test("directories stand beside each other in JSON and Markdown, and only the first decides how it ends", {
  skip: unavailable,
}, () => {
  using silent = dullDirectory(["bridge", "host-local"], "", 0);
  const columns = [
    "--plugins",
    `reference=${reference}`,
    "--beside",
    `mute=${silent.path}`,
    "--filter",
    "envelope: an unknown command",
  ];
  const json = command(...columns, "--format", "json");
  assert.equal(json.status, 0);
  const found = parse(json.stdout);
  assert.deepEqual(
    [0, 1].map((column) => [
      text(found, column, "label"),
      list(found, column, "findings").map((finding) => text(finding, "verdict")),
    ]),
    [
      ["reference", ["passed"]],
      ["mute", ["failed"]],
    ],
  );
  const { stdout } = command(...columns, "--format", "markdown", "--heading", "# Both");
  assert.match(stdout, /^# Both\n\n\| {2}\| reference \| mute \|\n/);
  assert.match(
    stdout,
    /\| an unknown command is refused with code 4 \| required \| CNI 1\.1 §2 Parameters \| yes \| \*\*no\*\* \|/,
  );
  assert.match(stdout, /^- mute, “an unknown command is refused with code 4”: FOO of bridge succeeded/m);
});

test("a service runs on the plugins' host, once for checks that leave the host as it was", {
  skip: unavailable,
}, () => {
  const starts = join(mkdtempSync(join(tmpdir(), "cni-service-")), "starts");
  const service = `sh -c 'echo once >> ${starts}; touch /run/served; exec sleep 100'`;
  const { status, stdout } = command(
    ...["--plugins", `served=${reference}`, "--service", service, "--ready", "/run/served", "--jobs", "1"],
    ...["--filter", "is refused with code 4"],
  );
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^served {2}required (\d+) of \1,/m);
  // One to ask for versions, one for all the checks.
  assert.equal(readFileSync(starts, "utf8"), "once\nonce\n");
  rmSync(dirname(starts), { recursive: true });
});

test("a service that does not come up is told", { skip: unavailable }, () => {
  const { status, stderr } = command(
    "--plugins",
    reference,
    "--service",
    "sh -c 'echo no socket >&2; exit 3'",
    "--ready",
    "/run/never",
  );
  assert.notEqual(status, 0);
  assert.match(stderr, /did not make \/run\/never: no socket/);
});
