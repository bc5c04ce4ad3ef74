/** Topology files on the command line: up, ps, diff and down, in an isolated host and on the (test's) machine itself. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { enterTestHost, missing, snapshot, temporaryDirectory } from "../../support/test-host.ts";
import { exitOf, Portolan, root } from "./portolan.ts";

enterTestHost();
const skip = missing("ip");
const shop = join(root, "examples/shop.yaml");

/** The cells of the line that begins with a word, in the table whose heading begins with another. */
function cells(output: string, heading: string, word: string): readonly string[] {
  const lines = output.split("\n");
  const from = lines.findIndex((line) => line.startsWith(heading));
  assert.ok(from >= 0, output);
  const line = lines.slice(from).find((candidate) => candidate.startsWith(`${word} `));
  return line?.split(/ {2,}/) ?? [];
}

for (const isolated of [true, false]) {
  const where = isolated ? "in an isolated host" : "on the machine itself";

  test(`the shop comes up ${where}, is shown, is as its file says, and goes without a trace`, { skip }, async () => {
    using directory = temporaryDirectory();
    await using portolan = new Portolan({ runDir: "/run/portolan", stateDir: join(directory.path, "state") });
    const untouched = snapshot();
    const flags = isolated ? ["--isolated"] : [];
    const first = portolan.run("up", ...flags, shop);
    assert.equal(first.status, 0, first.err + first.out);
    assert.match(first.err, /^create network: network "front"$/m);
    assert.deepEqual(cells(first.out, "SANDBOX", "web").slice(0, 4), ["web", "front", "eth0", "10.80.1.10/24"]);
    assert.deepEqual(cells(first.out, "FROM", "client").slice(1), ["yes (IPv4, IPv6)", "yes (IPv4, IPv6)", "no"]);
    assert.match(
      first.out.trimEnd().split("\n").at(-1) ?? "",
      isolated ? /is up in a host of its own/ : /is up on this machine's own network/,
    );
    if (isolated) assert.deepEqual(snapshot(), untouched);

    assert.match(portolan.ok("ps"), isolated ? /^shop +isolated \(\d+\) +4 +2 +4 /m : /^shop +machine +4 +2 +4 /m);
    assert.match(portolan.ok("ps", "shop"), /^\d+ +db +running +node shop\/db\.mjs$/m);
    assert.deepEqual(cells(portolan.ok("ps", shop), "NETWORK", "back").slice(1, 3), [
      "bridge",
      "10.80.2.0/24, fd00:80:2::/64",
    ]);
    assert.equal(portolan.ok("diff", shop), 'Topology "shop" is as the file says.\n');
    assert.match(portolan.ok("up", ...flags, shop), /was as the file says; nothing was changed/);
    assert.match(portolan.ok("down", "--dry-run", shop), /4 sandboxes, 2 networks, 4 processes/);
    assert.match(portolan.ok("down", shop), /^Topology "shop" is down: 4 sandboxes, 2 networks, 4 processes/);
    assert.deepEqual(snapshot(), untouched);
    assert.ok(!existsSync("/run/portolan/labs/shop"));
    assert.equal(portolan.run("ps", shop).status, 1);
  });
}

test("up --rm shows a topology and takes it down", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/portolan", stateDir: join(directory.path, "state") });
  const untouched = snapshot();
  const result = portolan.json<{ readonly mismatches: readonly unknown[] }>(
    ...["up", "--isolated", "--rm", "--format", "json", join(root, "examples/minimal.yaml")],
  );
  assert.deepEqual(result.mismatches, []);
  assert.deepEqual(snapshot(), untouched);
  assert.equal(portolan.ok("ps").trimEnd().split("\n").length, 1);
});

test("SIGINT takes an up back, with its host, and ends it with 130", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/portolan", stateDir: join(directory.path, "state") });
  const untouched = snapshot();
  const up = portolan.start("up", "--isolated", shop);
  const ended = exitOf(up);
  let said = "";
  up.stderr?.on("data", (chunk: Buffer) => {
    if (!said.includes("connect:") && chunk.includes("connect:")) up.kill("SIGINT");
    said += chunk.toString();
  });
  assert.equal(await ended, 130, said);
  assert.match(said, /^portolan: /m);
  assert.deepEqual(snapshot(), untouched);
  assert.ok(!existsSync("/run/portolan/labs/shop"), said);
});

test("exec reaches into an isolated host through its socket", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/portolan", stateDir: join(directory.path, "state") });
  portolan.ok("up", "--isolated", shop);
  const socket = "/run/portolan/labs/shop/portolan.sock";
  const out = portolan.ok("--socket", socket, "sandbox", "exec", "db", "--", "ip", "-4", "-o", "address");
  assert.match(out, /eth0 +inet 10\.80\.2\.30\/24/);
  portolan.ok("down", "shop");
});

test("up --dry-run and diff say what would be done, and do nothing", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/portolan", stateDir: join(directory.path, "state") });
  const untouched = snapshot();
  const out = portolan.ok("up", "--dry-run", shop);
  assert.match(out, /^create network +network "front" +it does not exist$/m);
  assert.equal(portolan.ok("diff", shop), out);
  assert.deepEqual(snapshot(), untouched);
});

test("a file that is none, or not right, is refused in words", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/portolan", stateDir: join(directory.path, "state") });
  const { status, err } = portolan.run("up", "/no/such/file.yaml");
  assert.equal(status, 1);
  assert.match(err, /^portolan: .*\/no\/such\/file\.yaml/);
  assert.equal(portolan.run("down", "nothing-up").status, 1);
});
