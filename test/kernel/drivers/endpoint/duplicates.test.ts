/** Duplicate address detection: somebody in the network, who is none of the engine's, has an address already. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NamespaceRef } from "../../../../src/kernel/kernel.ts";
import { createKernel } from "../../../../src/kernel/linux.ts";
import { decodeArp } from "../../../../src/kernel/packet/arp.ts";
import { decodeEthernet, etherType } from "../../../../src/kernel/packet/ethernet.ts";
import type { NetworkController } from "../../../../src/model/types.ts";
import { enterTestHost, run, snapshot } from "../../../support/test-host.ts";
import { controllerFor, directories } from "../../model/support.ts";

enterTestHost();

type Hook = Parameters<typeof controllerFor>[0] & Parameters<typeof directories>[0];

const intruder = "02:00:00:00:00:66";

/** A network that looks for duplicates or not, and somebody who put himself into it. */
async function withIntruder(hook: Hook, detection: boolean): Promise<NetworkController> {
  const controller = await controllerFor(hook, directories(hook));
  const pools = [{ subnet: "10.1.0.0/24" }, { subnet: "fd00:1::/64" }];
  await controller.createNetwork({
    name: "front",
    enableIpv6: true,
    ipam: { pools },
    options: {
      "com.docker.network.bridge.name": "br-front",
      ...(detection && { "portolan.duplicate_address_detection": "true" }),
    },
  });
  await controller.createSandbox({ name: "web" });
  run("ip netns add intruder");
  run(`ip link add in0 type veth peer name eth0 address ${intruder} netns intruder`);
  // The link at once: with its namespace it would go later.
  hook.after(() => {
    run("ip link delete in0");
    run("ip netns delete intruder");
  });
  run("ip link set in0 master br-front up");
  run("ip -n intruder link set eth0 up");
  run("ip -n intruder address add 10.1.0.7/24 dev eth0");
  run("ip -n intruder address add fd00:1::7/64 dev eth0 nodad");
  run("ip -n intruder address add 169.254.7.7/16 dev eth0");
  return controller;
}

for (const [what, spec, address] of [
  ["IPv4", { ipv4: "10.1.0.7" }, "10.1.0.7"],
  ["IPv6", { ipv6: "fd00:1::7" }, "fd00:1::7"],
  ["link-local", { linkLocal: ["169.254.7.7"] }, "169.254.7.7"],
] as const)
  test(`an endpoint whose ${what} address somebody has is refused, and he is named`, async (t) => {
    const controller = await withIntruder(t, true);
    const before = snapshot();
    await assert.rejects(controller.connect(controller.network("front"), controller.sandbox("web"), spec), {
      code: "address-in-use",
      message: `the address ${address} is in use on the link`,
      reason: `${intruder} answers for it`,
    });
    assert.deepEqual(snapshot(), before);
    // What was taken for it is free again.
    await controller.connect(controller.network("front"), controller.sandbox("web"), {
      ipv4: "10.1.0.8",
      ipv6: "fd00:1::8",
    });
  });

test("an endpoint that was made before is refused when it joins, and stays", async (t) => {
  const controller = await withIntruder(t, true);
  const endpoint = await controller.network("front").createEndpoint({ ipv4: "10.1.0.7" });
  await assert.rejects(endpoint.join(controller.sandbox("web")), { code: "address-in-use" });
  assert.equal(endpoint.info().sandbox, undefined);
  run("ip -n intruder address delete 10.1.0.7/24 dev eth0");
  await endpoint.join(controller.sandbox("web"));
});

test("a network that does not look for duplicates asks nobody", async (t) => {
  const controller = await withIntruder(t, false);
  const kernel = createKernel();
  const socket = kernel.openPackets("/run/netns/intruder" satisfies NamespaceRef, "eth0", "listen");
  await controller.connect(controller.network("front"), controller.sandbox("web"), { ipv4: "10.1.0.7" });
  const probes = socket.receive().filter((bytes) => {
    const frame = decodeEthernet(bytes);
    return frame?.type === etherType.arp && decodeArp(frame.payload)?.senderIp === "0.0.0.0";
  });
  assert.deepEqual(probes, []);
  socket.close();
  kernel.close();
});

test("while one waits for answers, others join other networks", async (t) => {
  const controller = await withIntruder(t, true);
  const [back, other] = [
    await controller.createNetwork({ name: "back" }),
    await controller.createSandbox({ name: "other" }),
  ];
  const done: string[] = [];
  const note = (what: string) => () => void done.push(what);
  await Promise.all([
    controller
      .connect(controller.network("front"), controller.sandbox("web"), { ipv4: "10.1.0.9" })
      .then(note("asked")),
    controller.connect(back, other).then(note("not asked")),
  ]);
  assert.deepEqual(done, ["not asked", "asked"]);
});

test("the kernel looks for duplicates of its own link-local addresses in such a network alone", async (t) => {
  const controller = await withIntruder(t, true);
  await controller.connect(controller.network("front"), controller.sandbox("web"));
  const { namespace } = controller.sandbox("web").info();
  const accepts = run(`nsenter --net=${namespace} cat /proc/sys/net/ipv6/conf/eth0/accept_dad`);
  assert.equal(accepts.trim(), "1");
});
