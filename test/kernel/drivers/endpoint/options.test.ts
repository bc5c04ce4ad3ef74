/** What an endpoint is told by options and flags, seen from inside the sandbox and by traffic. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSpec, JoinSpec, NetworkController } from "../../../../src/model/types.ts";
import { enterTestHost, run } from "../../../support/test-host.ts";
import { controllerFor, directories } from "../../model/support.ts";
import { inside, pings } from "./sandboxes.ts";

enterTestHost();

const key = (name: string): string => `com.docker.network.${name}`;

/** A controller with a network of both families, and sandboxes in it. */
async function frontWith(
  hook: Parameters<typeof controllerFor>[0] & Parameters<typeof directories>[0],
  sandboxes: Readonly<Record<string, EndpointSpec & JoinSpec>>,
): Promise<NetworkController> {
  const controller = await controllerFor(hook, directories(hook));
  const front = await controller.createNetwork({ name: "front", enableIpv6: true });
  for (const [name, spec] of Object.entries(sandboxes))
    await controller.connect(front, await controller.createSandbox({ name }), spec);
  return controller;
}

test("sysctls are set on the interface, by the name that it has, and on no other", async (t) => {
  const sysctls = [
    "net.ipv4.conf.IFNAME.log_martians=1",
    "net.ipv6.conf.IFNAME.hop_limit=77",
    "net.ipv4.neigh.IFNAME.gc_stale_time=33",
    "net.ipv6.neigh.IFNAME.gc_stale_time=34",
  ].join(",");
  const options = { [key("endpoint.sysctls")]: sysctls };
  // A dot in the name is no end of a part.
  const controller = await frontWith(t, { web: { options, interfaceName: "shop.10" } });
  const value = (path: string): string => inside(controller, "web", "cat", `/proc/sys/net/${path}`).trim();
  assert.equal(value("ipv4/conf/shop.10/log_martians"), "1");
  assert.equal(value("ipv6/conf/shop.10/hop_limit"), "77");
  assert.equal(value("ipv4/neigh/shop.10/gc_stale_time"), "33");
  assert.equal(value("ipv6/neigh/shop.10/gc_stale_time"), "34");
  assert.equal(value("ipv4/conf/lo/log_martians"), "0");
  assert.equal(controller.endpoint("web").info().sysctls["net.ipv4.conf.IFNAME.log_martians"], "1");
  assert.deepEqual((await controller.reconcile()).plan, []);
});

test("a sysctl that this kernel does not have is refused by name, and nothing is left of the endpoint", async (t) => {
  const controller = await frontWith(t, {});
  const web = await controller.createSandbox({ name: "web" });
  const options = { [key("endpoint.sysctls")]: "net.ipv4.conf.IFNAME.no_such_thing=1" };
  await assert.rejects(controller.connect(controller.network("front"), web, { options }), {
    code: "kernel",
    object: /net\/ipv4\/conf\/eth0\/no_such_thing/,
  });
  assert.equal(inside(controller, "web", "ls", "/proc/sys/net/ipv4/conf").includes("eth0"), false);
});

test("name and MAC address of the interface are those of the options", async (t) => {
  const options = { [key("endpoint.ifname")]: "shop0", [key("endpoint.macaddress")]: "02-42-0A-01-00-07" };
  const controller = await frontWith(t, { web: { options } });
  assert.match(inside(controller, "web", "ip", "link", "show", "shop0"), /link\/ether 02:42:0a:01:00:07/);
  const { interfaceName, mac } = controller.endpoint("web").info();
  assert.deepEqual([interfaceName, mac], ["shop0", "02:42:0a:01:00:07"]);
});

test("what says two things of the name or the MAC address is refused", async (t) => {
  const controller = await frontWith(t, {});
  const web = await controller.createSandbox({ name: "web" });
  const front = controller.network("front");
  for (const spec of [
    { mac: "02:00:00:00:00:01", options: { [key("endpoint.macaddress")]: "02:00:00:00:00:02" } },
    { interfaceName: "a0", options: { [key("endpoint.ifname")]: "b0" } },
  ])
    await assert.rejects(controller.connect(front, web, spec), { code: "invalid-argument", message: /both/ });
  // The same said twice is no contradiction.
  await controller.connect(front, web, { interfaceName: "a0", options: { [key("endpoint.ifname")]: "a0" } });
});

test("an interface name that is in use is refused, in the engine's namespaces and in others", async (t) => {
  const controller = await frontWith(t, { web: { interfaceName: "net0" } });
  run("ip netns add foreign");
  t.after(() => run("ip netns delete foreign"));
  run("ip -n foreign link add net0 type bridge");
  await controller.createSandbox({ name: "foreign", netns: "/run/netns/foreign" });
  const back = await controller.createNetwork({ name: "back" });
  for (const name of ["web", "foreign"]) {
    const options = { [key("endpoint.ifname")]: "net0" };
    await assert.rejects(controller.connect(back, controller.sandbox(name), { options }), {
      code: "exists",
      message: /has an interface net0 already/,
    });
  }
});

test("exposed ports and nameservers are kept and shown, also after a restart", async (t) => {
  const where = directories(t);
  const options = {
    [key("endpoint.exposedports")]: "80,53/udp",
    [key("endpoint.dnsservers")]: "192.0.2.53,2001:db8::53",
  };
  {
    const controller = await controllerFor(t, where);
    const front = await controller.createNetwork({ name: "front" });
    await controller.connect(front, await controller.createSandbox({ name: "web" }), { options });
    await controller.close();
  }
  const controller = await controllerFor(t, where);
  const { exposed, nameservers } = controller.endpoint("web").info();
  assert.deepEqual(exposed, [
    { protocol: "tcp", ports: { first: 80, last: 80 } },
    { protocol: "udp", ports: { first: 53, last: 53 } },
  ]);
  assert.deepEqual(nameservers, ["192.0.2.53", "2001:db8::53"]);
});

test("a port map is published like other ports, and refused with them", async (t) => {
  const controller = await frontWith(t, {
    web: { publish: ["8080:80"], options: { [key("portmap")]: "8081:81, 8082:82/udp" } },
  });
  assert.deepEqual(
    controller
      .endpoint("web")
      .info()
      .ports.map(({ protocol, host }) => `${host.first}/${protocol}`),
    ["8080/tcp", "8081/tcp", "8082/udp"],
  );
  assert.match(run("nft list map inet portolan published-anywhere4"), /udp \. 8082 : [\d.]+ \. 82/);
  const other = await controller.createSandbox({ name: "other" });
  const options = { [key("portmap")]: "8080:80" };
  await assert.rejects(controller.connect(controller.network("front"), other, { options }), { code: "in-use" });
});

test("link-local addresses are reached by others of the network, and are of one endpoint alone", async (t) => {
  const controller = await frontWith(t, {
    web: { linkLocal: ["169.254.7.7", "fe80::7"] },
    client: { linkLocal: ["169.254.7.8"] },
  });
  assert.ok(pings(controller, "client", "169.254.7.7"));
  assert.ok(pings(controller, "client", "fe80::7%eth0"));
  assert.deepEqual(controller.endpoint("web").info().linkLocal, ["169.254.7.7/16", "fe80::7/64"]);
  const other = await controller.createSandbox({ name: "other" });
  const front = controller.network("front");
  await assert.rejects(controller.connect(front, other, { linkLocal: ["169.254.7.7"] }), {
    code: "address-in-use",
    reason: 'endpoint "web" has it',
  });
  await controller.disconnect(controller.endpoint("web"));
  await controller.connect(front, other, { linkLocal: ["169.254.7.7"] });
  const plain = await controller.createNetwork({ name: "plain" });
  await assert.rejects(controller.connect(plain, other, { linkLocal: ["fe80::7"] }), { code: "forbidden" });
});

test("two that want one link-local address at once: one gets it", async (t) => {
  const controller = await frontWith(t, {});
  const front = controller.network("front");
  const made = await Promise.allSettled(
    ["one", "two"].map((name) => front.createEndpoint({ name, linkLocal: ["169.254.7.7"] })),
  );
  assert.deepEqual(made.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
});
