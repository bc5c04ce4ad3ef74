/** Static routes of endpoints by real traffic: from one network to another through a sandbox that is in both. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkController } from "../../../../src/model/types.ts";
import { enterTestHost, run, snapshot } from "../../../support/test-host.ts";
import { controllerFor, directories } from "../../model/support.ts";
import { addressIn, inside, ownRoutes, pings } from "./sandboxes.ts";

enterTestHost();

const near = { 4: "10.1.0.0/24", 6: "fd00:1::/64" } as const;
const far = { 4: "10.2.0.0/24", 6: "fd00:2::/64" } as const;

type Hook = Parameters<typeof controllerFor>[0] & Parameters<typeof directories>[0];

/** Two internal networks with a router of the user's own between them. */
async function twoNetworks(hook: Hook): Promise<NetworkController> {
  const controller = await controllerFor(hook, directories(hook));
  for (const [name, subnets] of Object.entries({ near, far })) {
    const pools = Object.values(subnets).map((subnet) => ({ subnet }));
    await controller.createNetwork({ name, enableIpv6: true, internal: true, ipam: { pools } });
  }
  const router = await controller.createSandbox({ name: "router" });
  await controller.connect(controller.network("near"), router, { name: "router-near" });
  await controller.connect(controller.network("far"), router, { name: "router-far" });
  for (const name of ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"])
    inside(controller, "router", "sysctl", "-q", "-w", `${name}=1`);
  return controller;
}

test("a route by a gateway carries traffic, is shown, and goes with its endpoint", async (t) => {
  const controller = await twoNetworks(t);
  const by = (endpoint: string, to: typeof near | typeof far): readonly string[] =>
    ([4, 6] as const).map((family) => `${to[family]}=${addressIn(controller.endpoint(endpoint).info(), family)}`);
  const server = await controller.createSandbox({ name: "server" });
  await controller.connect(controller.network("far"), server, { name: "server", routes: by("router-far", near) });
  const client = await controller.createSandbox({ name: "client" });
  const routes = by("router-near", far);
  const endpoint = await controller.connect(controller.network("near"), client, { name: "client", routes });
  for (const family of [4, 6] as const) {
    const gateway = addressIn(controller.endpoint("router-near").info(), family);
    assert.deepEqual(ownRoutes(controller, "client", family), [`${far[family]} via ${gateway} dev eth0`]);
    assert.ok(pings(controller, "client", addressIn(controller.endpoint("server").info(), family)));
  }
  assert.deepEqual(
    endpoint.info().routes.map(({ destination, gateway }) => `${destination}=${gateway}`),
    routes,
  );
  inside(controller, "client", "ip", "route", "delete", far[4]);
  assert.equal((await controller.reconcile()).plan.length, 1);
  assert.ok(pings(controller, "client", addressIn(controller.endpoint("server").info(), 4)));

  await endpoint.leave();
  assert.deepEqual([...ownRoutes(controller, "client", 4), ...ownRoutes(controller, "client", 6)], []);
  assert.deepEqual(endpoint.info().routes, []);
  await endpoint.join(client);
  assert.equal(pings(controller, "client", addressIn(controller.endpoint("server").info(), 4)), false);
});

test("a route by the link finds its neighbours there", async (t) => {
  const controller = await twoNetworks(t);
  const client = await controller.createSandbox({ name: "client" });
  const routes = ["192.0.2.0/24", "2001:db8::/32"];
  await controller.connect(controller.network("near"), client, { routes });
  assert.deepEqual(ownRoutes(controller, "client", 4), ["192.0.2.0/24 dev eth0"]);
  assert.deepEqual(ownRoutes(controller, "client", 6), ["2001:db8::/32 dev eth0"]);
  inside(controller, "router", "ip", "address", "add", "192.0.2.7/32", "dev", "eth0");
  assert.ok(pings(controller, "client", "192.0.2.7"));
  assert.deepEqual((await controller.reconcile()).plan, []);
});

test("routes that contradict the network or each other are refused, and change nothing", async (t) => {
  const controller = await twoNetworks(t);
  const client = await controller.createSandbox({ name: "client" });
  const { namespace } = client.info();
  const [host, sandbox] = [snapshot(), snapshot(namespace)];
  const connect = (network: string, routes: readonly string[]) =>
    controller.connect(controller.network(network), client, {
      ipv4: network === "near" ? "10.1.0.50" : "10.2.0.50",
      routes,
    });
  for (const [routes, expected] of [
    [["10.9.0.0/16=10.2.0.7"], { code: "invalid-argument", reason: "the gateway lies outside 10.1.0.0/24" }],
    [["10.9.0.0/16=10.1.0.50"], { code: "invalid-argument", reason: "the gateway is the endpoint itself" }],
    [["10.1.0.0/24=10.1.0.7"], { code: "exists", reason: "it is the subnet of network near" }],
    [["10.9.0.0/16=10.1.0.7", "10.9.0.0/16"], { code: "exists", reason: /static route by network near leads there/ }],
    [["0.0.0.0/0=10.1.0.7"], { code: "invalid-argument", message: /default route/ }],
  ] as const)
    await assert.rejects(connect("near", routes), expected, routes.join());
  assert.deepEqual([snapshot(), snapshot(namespace)], [host, sandbox]);

  await connect("near", ["10.9.0.0/16=10.1.0.7"]);
  await assert.rejects(connect("far", ["10.9.0.0/16=10.2.0.7"]), { code: "exists", reason: /by network near leads/ });
  await assert.rejects(connect("far", ["10.1.0.0/24"]), { code: "exists", reason: "it is the subnet of network near" });
  const plain = await controller.createNetwork({ name: "plain", ipam: { pools: [{ subnet: "10.9.0.0/16" }] } });
  await assert.rejects(controller.connect(plain, client), { code: "exists", reason: /leads to this network's subnet/ });
  await assert.rejects(
    controller.connect(plain, await controller.createSandbox({ name: "other" }), { routes: ["fd00:9::/64"] }),
    {
      code: "invalid-argument",
      reason: "the endpoint has no IPv6 address",
    },
  );
});

test("a route that a foreign namespace has of its own is left alone", async (t) => {
  run("ip netns add foreign");
  t.after(() => run("ip netns delete foreign"));
  run("ip -n foreign link set lo up");
  run("ip -n foreign route add 10.9.0.0/16 dev lo");
  const controller = await twoNetworks(t);
  const foreign = await controller.createSandbox({ name: "foreign", netns: "/run/netns/foreign" });
  await assert.rejects(controller.connect(controller.network("near"), foreign, { routes: ["10.9.0.0/16=10.1.0.1"] }), {
    code: "kernel",
    object: /route to 10\.9\.0\.0\/16/,
  });
  assert.match(run("ip -n foreign route"), /10\.9\.0\.0\/16 dev lo/);
});
