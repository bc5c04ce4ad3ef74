/** containerd's Container Runtime Interface on our plugins: what a kubelet does with pods. It adds `loopback` by itself, gives capabilities, and tells the pod in CNI_ARGS. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answerOutside, makeOutside } from "../support/outside.ts";
import { noContainerd } from "../support/runtimes/containerd.ts";
import { Pods, pod } from "../support/runtimes/cri/pods.ts";
import { MachineEngine } from "../support/runtimes/engine.ts";
import { type Machine, startMachine } from "../support/runtimes/machine.ts";
import { enterTestHost, exec, snapshot } from "../support/test-host.ts";

enterTestHost();
const skip = noContainerd();
makeOutside(["192.0.2.1/24"], ["192.0.2.2/24"]);

const list = (...plugins: readonly object[]): string => JSON.stringify({ cniVersion: "1.0.0", name: "pods", plugins });
const reference = list(
  {
    type: "bridge",
    bridge: "pods0",
    isGateway: true,
    ipMasq: true,
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.67.0.0/24" }], [{ subnet: "fd00:67::/64" }]],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
    },
  },
  { type: "portmap", capabilities: { portMappings: true } },
  { type: "bandwidth", capabilities: { bandwidth: true } },
);
const own = list({
  type: "portolan",
  ipam: { subnet: "10.68.0.0/24" },
  capabilities: { portMappings: true, ips: true, mac: true, aliases: true, dns: true },
});

async function onMachine(
  how: "daemon" | "no daemon",
  conflist: string,
  body: (pods: Pods, engine: MachineEngine, machine: Machine) => Promise<void>,
): Promise<void> {
  await using machine = await startMachine();
  const engine = new MachineEngine(machine);
  engine.ok("cni", "install", "--dir", "/opt/cni/bin", "--as-reference");
  const before = snapshot();
  if (how === "daemon") await engine.start();
  using pods = await Pods.start(machine, conflist);
  await body(pods, engine, machine);
  assert.deepEqual(engine.endpoints(), []);
  assert.deepEqual(await engine.remaining(), {});
  assert.deepEqual(snapshot(), before);
}

const serving = ["nc", "-ll", "-p", "80", "-e", "echo", "hello"];
const published = { portMappings: [{ protocol: 0, containerPort: 80, hostPort: 8080 }] };

/** What somebody outside is answered at the host's port. */
const answered = (): Promise<string> => answerOutside("192.0.2.1", 8080);

for (const how of ["daemon", "no daemon"] as const) {
  test(
    `${how}: a pod of two families, with a port of the host's and a limit, runs, stops and is removed`,
    { skip },
    () =>
      onMachine(how, reference, async (pods, engine, machine) => {
        const { status } = await pods.call("Status", {});
        assert.deepEqual(
          status.conditions.map(({ type, status: ready }) => [type, ready]),
          [
            ["RuntimeReady", true],
            ["NetworkReady", true],
          ],
        );
        const limited = { ...published, annotations: { "kubernetes.io/ingress-bandwidth": "10M" } };
        const web = await pods.run(pod("web", limited), ...serving);
        assert.deepEqual(await pods.addresses(web.podSandboxId), ["10.67.0.2", "fd00:67::2"]);
        assert.equal(await answered(), "hello\n");
        assert.match(await pods.exec(web, "ip", "addr", "show", "lo"), /LOOPBACK,UP.* 127\.0\.0\.1\/8/s);
        assert.match(exec("tc", "qdisc"), /tbf 706f: dev veth\w+ root .*rate 10Mbit/);
        const other = await pods.run(pod("other"), "sleep", "1000");
        assert.match(await pods.exec(other, "ping", "-c1", "-W2", "10.67.0.2"), / 0% packet loss/);
        // The loopback interface of each is an attachment, too.
        const attached = () => engine.endpoints().map(({ interfaceName }) => interfaceName);
        assert.deepEqual(attached().toSorted(), ["eth0", "eth0", "lo", "lo"]);
        await pods.call("StopPodSandbox", other);
        assert.deepEqual(attached().toSorted(), ["eth0", "lo"]);
        assert.equal(await answered(), "hello\n");
        // A kubelet stops what it does not know to be stopped, again and again.
        await pods.call("StopPodSandbox", web);
        await pods.call("StopPodSandbox", web);
        for (const { podSandboxId } of [web, other]) await pods.call("RemovePodSandbox", { podSandboxId });
        assert.deepEqual(machine.run("ls", "/run/netns").out, "");
      }),
  );
}

test("a pod whose port a process of the host has fails, leaves nothing, and runs when the port is free", { skip }, () =>
  onMachine("daemon", reference, async (pods, engine, machine) => {
    const holder = await machine.start("", "busybox", "nc", "-l", "-p", "8080");
    while (!exec("ss", "-Hltn", "sport = 8080").includes(":8080")) await sleep(20);
    await assert.rejects(pods.call("RunPodSandbox", { config: pod("web", published) }), /8080/);
    assert.deepEqual(engine.endpoints(), []);
    // Somebody who calls is answered nothing, and it ends.
    const ended = once(holder, "exit");
    exec("busybox", "nc", "-w", "1", "127.0.0.1", "8080");
    await ended;
    const web = await pods.run(pod("web", published, 1), ...serving);
    assert.equal(await answered(), "hello\n");
    await pods.call("StopPodSandbox", web);
    await pods.call("RemovePodSandbox", web);
  }),
);

test("a pod that loses its namespace and its daemon is stopped, and its next attempt runs", { skip }, () =>
  onMachine("daemon", reference, async (pods, engine, machine) => {
    const web = await pods.run(pod("web", published), ...serving);
    await engine.stop();
    machine.ok("sh", "-c", "umount /run/netns/cni-* && rm /run/netns/cni-*");
    await pods.call("StopPodSandbox", web);
    await engine.start();
    const again = await pods.run(pod("web", published, 1), ...serving);
    assert.equal(await answered(), "hello\n");
    for (const one of [web, again]) {
      await pods.call("StopPodSandbox", one);
      await pods.call("RemovePodSandbox", one);
    }
  }),
);

test("our own type: pods find each other by name", { skip }, () =>
  onMachine("daemon", own, async (pods) => {
    // Of a plugin's result the interface passes no nameserver on: the kubelet says which it is.
    const resolver = { dnsConfig: { servers: ["127.0.0.11"] } };
    const web = await pods.run(pod("web", resolver), ...serving);
    const client = await pods.run(pod("client", resolver), "sleep", "1000");
    const [address] = await pods.addresses(web.podSandboxId);
    assert.match(await pods.exec(client, "nslookup", "web"), new RegExp(`Address.*: ${address}`));
    assert.equal(await pods.exec(client, "nc", "-w", "2", "web", "80"), "hello\n");
    for (const one of [web, client]) {
      await pods.call("StopPodSandbox", one);
      await pods.call("RemovePodSandbox", one);
    }
  }),
);
