/** What the kernel tracks follows who has a port, and what merely passes the host goes on: which flows are forgotten when published ports come and go. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { addressOf } from "../../../src/address/cidr.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { decodeFlow, deleteFlow, getFlows } from "../../../src/kernel/netlink/conntrack/flow.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { enterTestHost, exec, run, snapshot } from "../../support/test-host.ts";

enterTestHost();

/** The host stands between two others, and forwards. */
const host = { left: "192.0.2.1", right: "198.51.100.1", left6: "2001:db8:1::1", right6: "2001:db8:2::1" } as const;
const right = { 4: "198.51.100.2", 6: "2001:db8:2::2" } as const;
const empty = snapshot();
const kernel = createKernel();
let controller: NetworkController;

before(async () => {
  for (const [side, net4, net6] of [
    ["left", "192.0.2", "2001:db8:1:"],
    ["right", "198.51.100", "2001:db8:2:"],
  ] as const) {
    run(`ip netns add ${side}`);
    run(`ip link add ${side} type veth peer name eth0 netns ${side}`);
    for (const [inside, link, last] of [
      ["", side, 1],
      [` -n ${side}`, "eth0", 2],
    ] as const) {
      run(`ip${inside} link set ${link} up`);
      run(`ip${inside} address add ${net4}.${last}/24 dev ${link}`);
      run(`ip${inside} address add ${net6}:${last}/64 dev ${link} nodad`);
    }
    run(`ip -n ${side} route add default via ${net4}.1`);
    run(`ip -n ${side} -6 route add default via ${net6}:1`);
  }
  run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  controller = await createController({ runDir: "/run/portolan" });
  await controller.createNetwork({ name: "front", enableIpv6: true });
});

after(async () => {
  await controller.pruneNetworks();
  await controller.close();
  kernel.close();
  for (const side of ["left", "right"]) {
    run(`ip link delete ${side}`);
    run(`ip netns delete ${side}`);
  }
  run("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0");
  assert.deepEqual(snapshot(), empty, "nothing is left");
});

const all = () =>
  ([4, 6] as const).flatMap((family) =>
    kernel.dump("host", "conntrack", getFlows(family, 17)).flatMap((message) => decodeFlow(message) ?? []),
  );

/** Destinations of the tracked flows, as the first packet had them. */
const tracked = (): readonly string[] =>
  all()
    .map(({ destination, destinationPort }) => `${destination} ${destinationPort}`)
    .toSorted();

beforeEach(() => void kernel.send("host", "conntrack", all().map(deleteFlow)));

/** One packet; a flow is tracked from the first on. */
function send(from: "host" | "left", address: string, port: number): void {
  const inside = from === "host" ? [] : ["nsenter", `--net=/run/netns/${from}`];
  exec(...inside, "bash", "-c", `echo x > /dev/udp/${address}/${port}`);
}

/** A sandbox with published ports, for the time of a test. */
async function published(...publish: readonly string[]): Promise<AsyncDisposable & { readonly inside: string }> {
  const sandbox = await controller.createSandbox({ name: "dns" });
  const endpoint = await controller.connect(controller.network("front"), sandbox, { publish });
  const { ipv4 } = endpoint.info();
  assert.ok(ipv4 !== undefined);
  return { inside: addressOf(ipv4), [Symbol.asyncDispose]: () => sandbox.delete() };
}

test("a port that comes ends the flows to it by any address of the host, and none that pass the host", async () => {
  for (const address of [host.left, host.right, host.left6, right[4], right[6]]) send("left", address, 53);
  for (const address of ["127.0.0.1", "127.0.0.7", "::1", right[4], right[6]]) send("host", address, 53);
  send("left", host.left, 54);
  assert.equal(tracked().length, 11);
  const others = [`${host.left} 54`, ...[right[4], right[6]].flatMap((address) => [`${address} 53`, `${address} 53`])];
  await using _dns = await published("53:53/udp");
  assert.deepEqual(tracked(), others.toSorted());
});

test("a port of one address that comes ends the flows to that address alone", async () => {
  for (const address of [host.left, host.right, right[4], host.left6]) send("left", address, 53);
  await using _dns = await published(`${host.left}:53:53/udp`, `[${host.left6}]:53:53/udp`);
  assert.deepEqual(tracked(), [`${host.right} 53`, `${right[4]} 53`].toSorted());
});

for (const [words, publish] of [
  ["a port with the number that it has inside", "53:53/udp"],
  ["a port of another number", "53:54/udp"],
  ["ports in a row", "50-59:50-59/udp"],
  ["ports in a row of other numbers", "50-59:150-159/udp"],
] as const) {
  test(`${words} that goes ends the flows that it led to the sandbox, and no others`, async () => {
    const flows = ["", ""].map(() => `${right[4]} 53`);
    {
      await using dns = await published(publish);
      for (const address of [host.left, host.right, host.left6, right[4]]) send("left", address, 53);
      for (const address of [host.left, "127.0.0.1", right[4]]) send("host", address, 53);
      // By its own address, which the network of another sandbox or a trusted interface may do: not translated.
      send("host", dns.inside, 53);
      flows.push(`${dns.inside} 53`);
      const led = [host.left, host.left, host.right, host.left6, "127.0.0.1"].map((address) => `${address} 53`);
      assert.deepEqual(tracked(), [...led, ...flows].toSorted());
    }
    assert.deepEqual(tracked(), flows.toSorted());
  });
}

test("mending the elements of a port leaves the flows that it leads alone", async () => {
  await using _dns = await published("53:53/udp");
  send("left", host.left, 53);
  send("left", host.left6, 53);
  const flows = all();
  run("nft flush map inet portolan published-anywhere4");
  run("nft flush map inet portolan published-anywhere6");
  await controller.reconcile();
  assert.deepEqual(all(), flows);
});

test("ports of TCP end no flows: a connection begins anew by itself", async () => {
  send("left", host.left, 53);
  await using _web = await published("53:53", "50-52:50-52");
  assert.deepEqual(tracked(), [`${host.left} 53`]);
});
