/** Podman 4 with its CNI backend on our plugins, under the names of the reference plugins that podman's own network lists name. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeOutside } from "../support/outside.ts";
import { MachineEngine } from "../support/runtimes/engine.ts";
import { type Machine, startMachine } from "../support/runtimes/machine.ts";
import { configurations, noPodman, Podman } from "../support/runtimes/podman.ts";
import { enterTestHost, exec, snapshot } from "../support/test-host.ts";

enterTestHost();
const skip = noPodman();
makeOutside(["192.0.2.1/24"], ["192.0.2.2/24"]);

/** What containers leave: on the host, of the machine's namespaces, and in libcni's cache. */
const leftovers = (machine: Machine) => ({
  host: snapshot(),
  namespaces: readdirSync(machine.path("/run/netns")),
  files: machine.run("find", "/var/lib/cni", "-type", "f").out,
});

/** A machine with podman on our plugins; `body` is to leave it as it was. */
async function onMachine(
  how: "daemon" | "no daemon",
  body: (podman: Podman, engine: MachineEngine, machine: Machine) => Promise<void> | void,
): Promise<void> {
  await using machine = await startMachine();
  const engine = new MachineEngine(machine);
  engine.ok("cni", "install", "--dir", "/opt/cni/bin", "--as-reference");
  const podman = new Podman(machine, "/opt/cni/bin");
  const before = leftovers(machine);
  if (how === "daemon") await engine.start();
  await body(podman, engine, machine);
  assert.deepEqual(engine.endpoints(), []);
  assert.deepEqual(await engine.remaining(), {});
  assert.deepEqual(leftovers(machine), before);
}

/** What somebody outside is answered at a port of the host; empty where nobody answers. */
const askOutside = (port: number, address = "192.0.2.1"): string =>
  exec("nsenter", "--net=/run/netns/outside", "sh", "-c", `busybox nc -w 2 ${address} ${port} </dev/null || true`);

/** The same once somebody answers: podman returns before the container's program listens. Empty where nobody does within 5 s. */
function answeredOutside(port: number, address?: string): string {
  const end = performance.now() + 5000;
  for (;;) {
    const answer = askOutside(port, address);
    if (answer !== "" || performance.now() > end) return answer;
    exec("sleep", "0.1");
  }
}

test("two networks: run, connect, disconnect, reload, stop, start, restart, rm", { skip }, () =>
  onMachine("daemon", (podman, engine) => {
    podman.ok("network", "create", "front");
    podman.ok("network", "create", "back");
    // By itself podman numbers the interfaces in any order.
    const networks = ["--network", "front:interface_name=eth0", "--network", "back:interface_name=eth1"];
    podman.serve("web", ...networks, "--publish", "8080:80", "--publish", "5353:53/udp");
    const attached = () => engine.endpoints().map(({ network, interfaceName }) => `${network.name} ${interfaceName}`);
    assert.deepEqual(attached(), ["cni/back eth1", "cni/front eth0"]);
    const reached = (): void => assert.equal(answeredOutside(8080), "hello web\n");
    reached();
    podman.ok("network", "disconnect", "front", "web");
    assert.deepEqual(attached(), ["cni/back eth1"]);
    reached();
    podman.ok("network", "connect", "front", "web");
    assert.deepEqual(attached(), ["cni/back eth1", "cni/front eth0"]);
    reached();
    const before = podman.networks("web");
    podman.ok("network", "reload", "web");
    assert.deepEqual(podman.networks("web"), before);
    reached();
    podman.ok("stop", "--time", "0", "web");
    assert.deepEqual(attached(), []);
    assert.equal(askOutside(8080), "");
    podman.ok("start", "web");
    reached();
    podman.ok("restart", "--time", "0", "web");
    assert.deepEqual(attached(), ["cni/back eth1", "cni/front eth0"]);
    reached();
    podman.ok("rm", "--force", "--time", "0", "web");
  }),
);

test("without a daemon: run, reload, rm", { skip }, () =>
  onMachine("no daemon", (podman) => {
    podman.ok("network", "create", "front");
    podman.serve("web", "--network", "front", "--publish", "8080:80");
    assert.equal(answeredOutside(8080), "hello web\n");
    const before = podman.networks("web");
    podman.ok("network", "reload", "web");
    assert.deepEqual(podman.networks("web"), before);
    assert.equal(answeredOutside(8080), "hello web\n");
    podman.ok("rm", "--force", "--time", "0", "web");
  }),
);

test("static addresses of both families, MAC address, aliases, and containers that reach each other", { skip }, () =>
  onMachine("daemon", (podman, _, machine) => {
    podman.ok("network", "create", "--subnet", "10.77.0.0/24", "--subnet", "fd00:77::/64", "--ipv6", "six");
    const asked = ["--ip", "10.77.0.77", "--ip6", "fd00:77::77", "--mac-address", "02:00:00:00:00:77"];
    podman.serve("web", "--network", "six", ...asked, "--network-alias", "site");
    const { six } = podman.networks("web");
    assert.deepEqual(
      [six?.IPAddress, six?.GlobalIPv6Address, six?.MacAddress, six?.Aliases?.includes("site")],
      ["10.77.0.77", "fd00:77::77", "02:00:00:00:00:77", true],
    );
    const inside = podman.ok(
      "run",
      "--rm",
      "--network",
      "six",
      "--rootfs",
      "/run/box",
      "sh",
      "-c",
      "nc -w 2 10.77.0.77 80; nc -w 2 fd00:77::77 80",
    );
    assert.equal(inside, "hello web\nhello web\n");
    const own = podman.ok("exec", "web", "ip", "address", "show", "eth0");
    assert.match(own, /02:00:00:00:00:77.*10\.77\.0\.77\/24.*fd00:77::77\/64/s);
    // The address is somebody's.
    const second = podman.run("run", "--rm", "--network", "six", "--ip", "10.77.0.77", "--rootfs", "/run/box", "true");
    assert.notEqual(second.status, 0);
    assert.match(second.err, /10\.77\.0\.77/);
    podman.ok("network", "reload", "--all");
    assert.deepEqual(podman.networks("web"), { six });
    podman.ok("rm", "--force", "--time", "0", "--all");
    assert.equal(machine.run("ls", "/run/netns").out, "");
  }),
);

test("a container that ends by itself, and one that never starts, leave nothing", { skip }, () =>
  onMachine("daemon", async (podman, engine) => {
    podman.ok("network", "create", "front");
    assert.equal(
      podman.ok("run", "--rm", "--network", "front", "--publish", "8080:80", "--rootfs", "/run/box", "echo", "done"),
      "done\n",
    );
    podman.ok(
      "run",
      "--detach",
      "--rm",
      "--network",
      "front",
      "--publish",
      "8080:80",
      "--rootfs",
      "/run/box",
      "sleep",
      "0.2",
    );
    for (let tries = 0; tries < 100 && engine.endpoints().length > 0; tries++) await sleep(50);
    assert.deepEqual(engine.endpoints(), []);
    assert.notEqual(
      podman.run("run", "--rm", "--network", "front", "--rootfs", "/run/box", "no-such-program").status,
      0,
    );
  }),
);

test("a port that a process of the host has is refused, and named", { skip }, () =>
  onMachine("daemon", async (podman, engine) => {
    podman.ok("network", "create", "front");
    engine.ok("cni", "install", "--dir", "/opt/cni/bin", "--conflist", configurations, "--name", "harbour");
    const server = createServer().listen(8080);
    await once(server, "listening");
    try {
      for (const network of ["front", "harbour"]) {
        const flags = ["--rm", "--network", network, "--publish", "8080:80", "--rootfs", "/run/box"];
        const { status, err } = podman.run("run", ...flags, "true");
        assert.notEqual(status, 0);
        assert.match(err, /tcp port 8080 is in use/);
      }
    } finally {
      server.close();
    }
    podman.ok("rm", "--all", "--force");
  }),
);

test("macvlan: a container is a machine beside the host", { skip }, () =>
  onMachine("daemon", (podman) => {
    podman.ok(
      "network",
      "create",
      "--driver",
      "macvlan",
      "--opt",
      "parent=out0",
      "--subnet",
      "192.0.2.0/24",
      "--gateway",
      "192.0.2.2",
      "lan",
    );
    podman.serve("web", "--network", "lan", "--ip", "192.0.2.80", "--mac-address", "02:00:00:00:00:80");
    assert.equal(answeredOutside(80, "192.0.2.80"), "hello web\n");
    assert.match(podman.ok("exec", "web", "ip", "link", "show", "eth0"), /02:00:00:00:00:80/);
    podman.ok("network", "reload", "web");
    assert.equal(answeredOutside(80, "192.0.2.80"), "hello web\n");
    podman.ok("restart", "--time", "0", "web");
    assert.equal(answeredOutside(80, "192.0.2.80"), "hello web\n");
    podman.ok("rm", "--force", "--time", "0", "web");
  }),
);

test("our own type: names resolve, ports lead, nothing is left", { skip }, () =>
  onMachine("daemon", (podman, engine) => {
    engine.ok("cni", "install", "--dir", "/opt/cni/bin", "--conflist", configurations, "--name", "harbour");
    assert.match(podman.ok("network", "ls"), /harbour +portolan/);
    podman.serve("web", "--network", "harbour", "--publish", "8080:80", "--mac-address", "02:00:00:00:00:99");
    podman.serve("db", "--network", "harbour");
    assert.equal(answeredOutside(8080), "hello web\n");
    assert.equal(podman.networks("web")["harbour"]?.MacAddress, "02:00:00:00:00:99");
    assert.equal(podman.ok("exec", "web", "nc", "-w", "2", "db", "80"), "hello db\n");
    podman.ok("network", "reload", "--all");
    assert.equal(podman.ok("exec", "web", "nc", "-w", "2", "db", "80"), "hello db\n");
    assert.equal(answeredOutside(8080), "hello web\n");
    podman.ok("rm", "--force", "--time", "0", "db");
    podman.ok("network", "reload", "web");
    assert.equal(answeredOutside(8080), "hello web\n");
    podman.ok("rm", "--force", "--time", "0", "web");
  }),
);
