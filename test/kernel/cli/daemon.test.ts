/** The daemon as a process, and the commands that need one. */
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { enterTestHost, missing, snapshot, temporaryDirectory } from "../../support/test-host.ts";
import { exitOf, Portolan } from "./portolan.ts";

enterTestHost();
const skip = missing("ip");

test("events are told as they happen, until SIGINT", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/events", stateDir: join(directory.path, "state") });
  await portolan.startDaemon();
  const events = portolan.start("events", "--format", "json", "--filter", "type=network", "--filter", "type=sandbox");
  assert.ok(events.stdout);
  const lines = createInterface({ input: events.stdout })[Symbol.asyncIterator]();
  // A listener hears what happens after it is there: it is asked until it does.
  const first = lines.next();
  let heard = false;
  first.then(() => {
    heard = true;
  });
  for (let round = 0; !heard; round++) {
    portolan.ok("sandbox", "create", `early${round}`);
    portolan.ok("sandbox", "rm", `early${round}`);
    await sleep(20);
  }
  const id = portolan.ok("network", "create", "--subnet", "10.51.1.0/24", "front").trim();
  for (;;) {
    const { value, done } = await lines.next();
    assert.ok(!done);
    const event = JSON.parse(value);
    if (event.type !== "network") continue;
    assert.deepEqual([event.action, event.id, event.name], ["create", id, "front"]);
    assert.match(value, /"time":\d{19}\b/);
    break;
  }
  const ended = exitOf(events);
  events.kill("SIGINT");
  assert.equal(await ended, 130);
  portolan.ok("network", "rm", "front");
  assert.equal(await portolan.stopDaemon(), 0);
});

test("the daemon's socket is for its owner and group, and goes with it; what it made stays", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/stop", stateDir: join(directory.path, "state") });
  await portolan.startDaemon();
  assert.equal(statSync("/run/stop/portolan.sock").mode & 0o777, 0o660);
  portolan.ok("network", "create", "--subnet", "10.51.2.0/24", "front");
  portolan.ok("sandbox", "create", "web");
  portolan.ok("network", "connect", "front", "web");
  const made = snapshot();
  assert.equal(await portolan.stopDaemon(), 0);
  assert.ok(!existsSync("/run/stop/portolan.sock"));
  assert.deepEqual(snapshot(), made);
  assert.equal(portolan.ok("network", "rm", "-f", "nothing"), "");
  portolan.ok("sandbox", "rm", "web");
  portolan.ok("network", "rm", "front");
});

test("a socket that is named is meant: without a daemon there the command fails", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/named", stateDir: join(directory.path, "state") });
  const { status, err } = portolan.run("--socket", "/run/named/none.sock", "network", "ls", "--format", "json");
  assert.equal(status, 1);
  assert.equal(JSON.parse(err).code, "unavailable");
  const events = portolan.run("events");
  assert.equal(events.status, 1);
  assert.match(events.err, /^portolan: /);
  assert.ok(!existsSync(join(directory.path, "state")));
});

test("two daemons on the same files: the second is refused and the first stays", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/two", stateDir: join(directory.path, "state") });
  await portolan.startDaemon();
  const second = portolan.run("daemon");
  assert.equal(second.status, 1);
  assert.match(second.err, /^portolan: /m);
  portolan.ok("network", "ls");
  assert.equal(await portolan.stopDaemon(), 0);
});

test("completion offers names that the daemon knows", { skip }, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/complete", stateDir: join(directory.path, "state") });
  assert.equal(portolan.ok("__complete", "--", "network", "inspect", ""), "");
  await portolan.startDaemon();
  assert.equal(portolan.ok("__complete", "--", "network", "inspect", "br"), "bridge\n");
  assert.equal(await portolan.stopDaemon(), 0);
});

test("--publish-address is where ports are published that name no address, of a daemon and of commands without one", {
  skip,
}, async () => {
  using directory = temporaryDirectory();
  await using portolan = new Portolan({ runDir: "/run/publish", stateDir: join(directory.path, "state") });
  portolan.ok("network", "create", "--subnet", "10.51.3.0/24", "front");
  const published = (name: string, ...flags: readonly string[]): string => {
    portolan.ok("sandbox", "create", name);
    portolan.ok("network", "connect", "--publish", "80", ...flags, "front", name);
    return portolan.ok("port", "ls", "--filter", `sandbox=${name}`, "--format", "{{.Text}}").trim();
  };
  assert.match(published("anywhere"), /^\d+:80\/tcp$/);
  assert.match(published("alone", "--publish-address", "127.0.0.1"), /^127\.0\.0\.1:\d+:80\/tcp$/);
  assert.equal(portolan.run("network", "ls", "--publish-address", "everywhere").status, 1);
  await portolan.startDaemon("--publish-address", "127.0.0.1");
  assert.match(published("served"), /^127\.0\.0\.1:\d+:80\/tcp$/);
  const refused = portolan.run("network", "ls", "--publish-address", "0.0.0.0");
  assert.equal(refused.status, 2);
  assert.match(refused.err, /--publish-address is the daemon's/);
  for (const name of ["anywhere", "alone", "served"]) portolan.ok("sandbox", "rm", name);
  portolan.ok("network", "rm", "front");
  assert.equal(await portolan.stopDaemon(), 0);
});
