/** A router advertisement that somebody sends in the network changes nothing inside a sandbox. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ipToBytes, parseIp } from "../../../../src/address/ip.ts";
import { type MacAddress, macToBytes, parseMac } from "../../../../src/address/mac.ts";
import { createKernel } from "../../../../src/kernel/linux.ts";
import { encodeEthernet, etherType } from "../../../../src/kernel/packet/ethernet.ts";
import { enterTestHost, exec, run } from "../../../support/test-host.ts";
import { controllerFor, directories } from "../../model/support.ts";
import { inside } from "./sandboxes.ts";

enterTestHost();

const router = parseMac("02:00:00:00:00:66");
const allNodes = "33:33:00:00:00:01" as MacAddress; // a group, and so nothing that parseMac takes

/** A router that offers itself as the default gateway, and a prefix to make addresses of (RFC 4861 §4.2, §4.6.2). */
function advertisement(): Uint8Array {
  const [source, destination] = [ipToBytes(parseIp("fe80::66")), ipToBytes(parseIp("ff02::1"))];
  const message = Buffer.from([
    ...[134, 0, 0, 0, 64, 0, 1800 >> 8, 1800 & 0xff, 0, 0, 0, 0, 0, 0, 0, 0],
    ...[1, 1, ...macToBytes(router)],
    ...[3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0, ...ipToBytes(parseIp("2001:db8:bad::"))],
  ]);
  const header = Buffer.from([0x60, 0, 0, 0, 0, message.length, 58, 255]);
  const summed = Buffer.from([...source, ...destination, 0, 0, 0, message.length, 0, 0, 0, 58, ...message]);
  let sum = 0;
  for (let at = 0; at < summed.length; at += 2) sum += summed.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  message.writeUInt16BE(~sum & 0xffff, 2);
  return encodeEthernet({
    destination: allNodes,
    source: router,
    type: etherType.ipv6,
    payload: Buffer.concat([header, source, destination, message]),
  });
}

/** Addresses and routes of IPv6, without what counts down. */
const configured = (namespace: string): string =>
  ["address", "route"]
    .map((what) => exec("nsenter", `--net=${namespace}`, "ip", "-6", "-o", what, "show"))
    .join("")
    .replace(/expires \d+sec|valid_lft \w+|preferred_lft \w+/g, "");

test("addresses and routes inside stay as they are, where a plain host of the network takes what is offered", async (t) => {
  const controller = await controllerFor(t, directories(t));
  const options = { "com.docker.network.bridge.name": "br-front" };
  const front = await controller.createNetwork({ name: "front", enableIpv6: true, options });
  const web = await controller.createSandbox({ name: "web" });
  await controller.connect(front, web);
  for (const name of ["plain", "router"]) {
    run(`ip netns add ${name}`);
    t.after(async () => void run(`ip netns delete ${name}`));
    run(`ip link add ${name}0 type veth peer name eth0 netns ${name}`);
    run(`ip link set ${name}0 master br-front up`);
    run(`ip -n ${name} link set eth0 up`);
  }
  const { namespace } = web.info();
  const before = configured(namespace);
  const kernel = createKernel();
  const socket = kernel.openPackets("/run/netns/router", "eth0", "send");
  // A host takes no advertisement before its own link-local address is through duplicate address detection.
  for (let tries = 0; tries < 30 && !configured("/run/netns/plain").includes("2001:db8:bad"); tries++) {
    socket.send([advertisement()]);
    await sleep(100);
  }
  socket.close();
  kernel.close();
  assert.match(configured("/run/netns/plain"), /default via fe80::66/);
  assert.equal(configured(namespace), before);
  assert.doesNotMatch(before, /tentative/);
});

test("in a network without IPv6 an interface has none, whatever the namespace's default is", async (t) => {
  run("ip netns add willing");
  t.after(async () => void run("ip netns delete willing"));
  run("ip netns exec willing sysctl -q -w net.ipv6.conf.default.disable_ipv6=0");
  const controller = await controllerFor(t, directories(t));
  const front = await controller.createNetwork({ name: "front" });
  await controller.connect(front, await controller.createSandbox({ name: "web", netns: "/run/netns/willing" }));
  assert.equal(inside(controller, "web", "ip", "-6", "address", "show", "dev", "eth0"), "");
  assert.throws(() => inside(controller, "web", "ip", "address", "add", "fd00::7/64", "dev", "eth0"));
});

test("in a network with IPv6 an interface has it at once, whatever the namespace's default is", async (t) => {
  run("ip netns add unwilling");
  t.after(async () => void run("ip netns delete unwilling"));
  for (const name of ["default.disable_ipv6=1", "default.accept_ra=2", "default.autoconf=1"])
    run(`ip netns exec unwilling sysctl -q -w net.ipv6.conf.${name}`);
  const controller = await controllerFor(t, directories(t));
  const front = await controller.createNetwork({ name: "front", enableIpv6: true });
  await controller.connect(front, await controller.createSandbox({ name: "web", netns: "/run/netns/unwilling" }));
  const addresses = inside(controller, "web", "ip", "-6", "-o", "address", "show", "dev", "eth0");
  assert.match(addresses, /fd[\da-f]{2}:/);
  assert.match(addresses, /fe80:/);
  assert.doesNotMatch(addresses, /tentative/);
  const value = (name: string): string =>
    inside(controller, "web", "cat", `/proc/sys/net/ipv6/conf/eth0/${name}`).trim();
  assert.deepEqual([value("accept_ra"), value("autoconf")], ["0", "0"]);
});
