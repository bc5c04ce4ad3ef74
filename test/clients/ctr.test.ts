/** containerd's `ctr run --cni` on our plugins: it says VERSION to nobody, gives no capabilities, and detaches without a namespace, or not at all. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answerOutside, makeOutside } from "../support/outside.ts";
import { Containerd, noContainerd } from "../support/runtimes/containerd.ts";
import { MachineEngine } from "../support/runtimes/engine.ts";
import { type Machine, startMachine } from "../support/runtimes/machine.ts";
import { enterTestHost, exec, snapshot } from "../support/test-host.ts";

enterTestHost();
const skip = noContainerd();
makeOutside(["192.0.2.1/24"], ["192.0.2.2/24"]);
exec("ip", "-n", "outside", "route", "add", "10.66.0.0/24", "via", "192.0.2.1");

const addresses = { type: "host-local", ranges: [[{ subnet: "10.66.0.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] };
const conflist = JSON.stringify({
  cniVersion: "1.0.0",
  name: "front",
  plugins: [
    { type: "bridge", bridge: "front0", isGateway: true, ipMasq: true, ipam: addresses },
    { type: "portmap", capabilities: { portMappings: true } },
    { type: "firewall" },
    { type: "tuning", sysctl: { "net.ipv4.conf.IFNAME.arp_notify": "1" } },
  ],
});

/** What ctr says to the last plugin of the list: command and namespace. */
const record = '#!/bin/sh\necho "$CNI_COMMAND $CNI_NETNS" >> /run/calls\nexec /opt/ours/tuning\n';

async function onMachine(
  how: "daemon" | "no daemon",
  body: (containerd: Containerd, engine: MachineEngine, machine: Machine) => Promise<void>,
): Promise<void> {
  await using machine = await startMachine();
  const engine = new MachineEngine(machine);
  for (const folder of ["/opt/cni/bin", "/opt/ours"]) engine.ok("cni", "install", "--dir", folder, "--as-reference");
  // It has the plugin's file by another name: writing it would write all of them.
  rmSync(machine.path("/opt/cni/bin/tuning"));
  writeFileSync(machine.path("/opt/cni/bin/tuning"), record);
  chmodSync(machine.path("/opt/cni/bin/tuning"), 0o755);
  const before = snapshot();
  if (how === "daemon") await engine.start();
  const containerd = await Containerd.start(machine, conflist);
  await body(containerd, engine, machine);
  assert.deepEqual(engine.endpoints(), []);
  assert.deepEqual(await engine.remaining(), {});
  assert.deepEqual(snapshot(), before);
  const results = machine.path("/var/lib/cni/results");
  assert.deepEqual(existsSync(results) ? readdirSync(results) : [], []);
}

const calls = (machine: Machine): readonly string[] =>
  readFileSync(machine.path("/run/calls"), "utf8").trim().split(/ ?\n/);

const serving = ["nc", "-ll", "-p", "80", "-e", "echo", "hello"];

/** What somebody outside is answered by the container that has the first address. */
const answered = (): Promise<string> => answerOutside("10.66.0.2", 80);

for (const how of ["daemon", "no daemon"] as const) {
  test(`${how}: run, task kill, and DEL without a namespace`, { skip }, () =>
    onMachine(how, async (containerd, engine, machine) => {
      const running = await machine.start("", ...containerd.words("web", ["--rm"], ...serving));
      const ended = once(running, "exit");
      assert.equal(await answered(), "hello\n");
      assert.deepEqual(
        engine.endpoints().map(({ name, ipv4 }) => [name, ipv4]),
        [["default-web/eth0", "10.66.0.2/24"]],
      );
      containerd.ok("task", "kill", "--signal", "KILL", "web");
      await ended;
      const [added = "", ...rest] = calls(machine);
      assert.match(added, /^ADD \/proc\/\d+\/ns\/net$/);
      assert.deepEqual(rest, ["DEL"]);
      assert.equal(containerd.ok("container", "ls", "--quiet"), "");
    }),
  );
}

test("a detached container, which ctr never detaches, is taken away by GC", { skip }, () =>
  onMachine("daemon", async (containerd, engine, machine) => {
    machine.ok(...containerd.words("web", ["--detach"], ...serving));
    assert.equal(await answered(), "hello\n");
    containerd.ok("task", "kill", "--signal", "KILL", "web");
    while (/RUNNING/.test(containerd.ok("task", "ls"))) await sleep(20);
    containerd.ok("task", "rm", "web");
    containerd.ok("container", "rm", "web");
    assert.equal(engine.endpoints().length, 1);
    // The same container again: its namespace is another one, and what was left is in nobody's way.
    assert.match(engine.ok("cni", "gc", "--all", "--plugin-dir", "/opt/cni/bin", "front"), /default-web:eth0/);
    assert.deepEqual(engine.endpoints(), []);
    machine.ok(...containerd.words("web", ["--rm"], "true"));
  }),
);

test("a container whose program is not there leaves nothing", { skip }, () =>
  onMachine("daemon", async (containerd, _, machine) => {
    assert.notEqual(machine.run(...containerd.words("web", ["--rm"], "no-such-program")).status, 0);
    machine.ok(...containerd.words("web", ["--rm"], "true"));
  }),
);
