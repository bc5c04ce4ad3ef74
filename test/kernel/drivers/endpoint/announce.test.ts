/** What the network is told when an endpoint joins, as others in it hear it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { NamespaceRef } from "../../../../src/kernel/kernel.ts";
import { createKernel } from "../../../../src/kernel/linux.ts";
import { decodeArp } from "../../../../src/kernel/packet/arp.ts";
import { decodeEthernet, etherType } from "../../../../src/kernel/packet/ethernet.ts";
import { decodeNeighbourMessage } from "../../../../src/kernel/packet/neighbour-discovery.ts";
import type { NetworkController } from "../../../../src/model/types.ts";
import { enterTestHost } from "../../../support/test-host.ts";
import { controllerFor, directories } from "../../model/support.ts";
import { addressIn, inside, pings } from "./sandboxes.ts";

enterTestHost();

const kernel = createKernel();

type Hook = Parameters<typeof controllerFor>[0] & Parameters<typeof directories>[0];

async function frontWith(hook: Hook, options: Readonly<Record<string, string>>): Promise<NetworkController> {
  const controller = await controllerFor(hook, directories(hook));
  const pools = [{ subnet: "10.1.0.0/24" }, { subnet: "fd00:1::/64" }];
  const given = Object.entries(options).map(([name, value]) => [`com.docker.network.${name}`, value]);
  await controller.createNetwork({
    name: "front",
    enableIpv6: true,
    ipam: { pools },
    options: Object.fromEntries(given),
  });
  for (const name of ["web", "listener"]) await controller.createSandbox({ name });
  await controller.connect(controller.network("front"), controller.sandbox("listener"), { linkLocal: ["169.254.7.8"] });
  return controller;
}

/** What was told in the network since, `ADDRESS is at MAC`, as the listener hears it. */
function listen(controller: NetworkController): Disposable & { heard(): readonly string[] } {
  const namespace = controller.sandbox("listener").info().namespace as NamespaceRef; // the form that infos give it
  const socket = kernel.openPackets(namespace, "eth0", "listen");
  const said: string[] = [];
  return {
    heard() {
      for (const bytes of socket.receive()) {
        const frame = decodeEthernet(bytes);
        if (frame?.type === etherType.arp) {
          const packet = decodeArp(frame.payload);
          if (packet?.senderIp === packet?.targetIp) said.push(`${packet?.senderIp} is at ${packet?.senderMac}`);
        } else if (frame !== undefined) {
          const message = decodeNeighbourMessage(frame.payload);
          if (message?.destination === "ff02::1") said.push(`${message.target} is at ${message.targetMac}`);
        }
      }
      return said;
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

const spec = { mac: "02:00:00:00:00:07", ipv4: "10.1.0.7", ipv6: "fd00:1::7", linkLocal: ["169.254.7.7"] } as const;
const every = ["10.1.0.7", "169.254.7.7", "fd00:1::7"].map((address) => `${address} is at ${spec.mac}`);

/** How often each was said. */
const counts = (said: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(every.map((line) => [line, said.filter((other) => other === line).length]));
const eachSaid = (times: number): Readonly<Record<string, number>> =>
  Object.fromEntries(every.map((line) => [line, times]));

test("every address is told as often as the network says, in its interval", async (t) => {
  const controller = await frontWith(t, { advertise_addr_nmsgs: "3", advertise_addr_ms: "400" });
  using listener = listen(controller);
  await controller.connect(controller.network("front"), controller.sandbox("web"), spec);
  await sleep(150);
  assert.deepEqual(counts(listener.heard()), eachSaid(1), "the first with the answer");
  await sleep(400);
  assert.deepEqual(counts(listener.heard()), eachSaid(2));
  await sleep(1000);
  assert.deepEqual(counts(listener.heard()), eachSaid(3));
});

test("a network may be told once, or not at all", async (t) => {
  const quiet = await frontWith(t, { advertise_addr_nmsgs: "0" });
  using silence = listen(quiet);
  await quiet.connect(quiet.network("front"), quiet.sandbox("web"), spec);
  await sleep(150);
  assert.deepEqual(counts(silence.heard()), eachSaid(0));
});

test("nothing is told of an endpoint that has left", async (t) => {
  const controller = await frontWith(t, { advertise_addr_ms: "200" });
  using listener = listen(controller);
  await controller.connect(controller.network("front"), controller.sandbox("web"), { ...spec, name: "one" });
  await sleep(100);
  await controller.endpoint("one").leave();
  await sleep(700);
  assert.deepEqual(counts(listener.heard()), eachSaid(1));
});

test("who knew another holder of an address reaches the new one at once", async (t) => {
  const controller = await frontWith(t, {});
  const front = controller.network("front");
  const { mac: _, ...anyMac } = spec;
  const first = await controller.connect(front, controller.sandbox("web"), anyMac);
  for (const address of [spec.ipv4, spec.ipv6, spec.linkLocal[0]]) assert.ok(pings(controller, "listener", address));
  await controller.disconnect(first);
  const other = await controller.createSandbox({ name: "other" });
  await controller.connect(front, other, spec);
  await sleep(50);
  for (const address of [spec.ipv4, spec.ipv6, spec.linkLocal[0]]) {
    const known = inside(controller, "listener", "ip", "neighbour", "show", "to", address);
    assert.match(known, new RegExp(spec.mac), known);
    assert.ok(pings(controller, "listener", address));
  }
  const [address, gateway] = [addressIn(controller.endpoint("listener").info(), 4), "10.1.0.1"];
  assert.ok(pings(controller, "other", address) && pings(controller, "other", gateway));
});

test("an address that somebody took away is told again when it is mended", async (t) => {
  const controller = await frontWith(t, { advertise_addr_nmsgs: "1" });
  await controller.connect(controller.network("front"), controller.sandbox("web"), spec);
  // It is told behind the answer.
  await sleep(100);
  inside(controller, "web", "ip", "address", "delete", "10.1.0.7/24", "dev", "eth0");
  using listener = listen(controller);
  await controller.reconcile();
  await sleep(100);
  assert.equal(listener.heard().filter((line) => line === every[0]).length, 1);
});
