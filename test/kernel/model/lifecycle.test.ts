/** The life of networks, endpoints and sandboxes in a real kernel. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { enterTestHost, exec } from "../../support/test-host.ts";
import { controllerFor, directories } from "./support.ts";

enterTestHost();

const inside = (namespace: string, ...command: readonly string[]): string =>
  exec("nsenter", `--net=${namespace}`, ...command);

/** What `ip` and `nft` say of the host: the same before and after whatever is undone. */
const hostState = (): string =>
  [
    exec("ip", "-br", "link"),
    exec("ip", "-br", "address"),
    exec("ip", "route", "show", "table", "all"),
    exec("ip", "-6", "route", "show", "table", "all"),
    exec("cat", "/proc/sys/net/ipv4/ip_forward"),
  ].join("\n");

test("an endpoint is created, joined, left and deleted, and the host is as before", async (t) => {
  const before = hostState();
  const controller = await controllerFor(t, directories(t));
  assert.equal(hostState(), before, "starting changes nothing");

  const network = await controller.createNetwork({ name: "front", enableIpv6: true });
  const sandbox = await controller.createSandbox({ name: "web" });
  const { namespace } = sandbox.info();
  assert.ok(existsSync(namespace));
  const endpoint = await network.createEndpoint({ name: "e1" });
  await endpoint.join(sandbox);
  const info = endpoint.info();
  assert.equal(info.interfaceName, "eth0");
  assert.match(inside(namespace, "ip", "-4", "address", "show", "eth0"), new RegExp(`inet ${info.ipv4}`));
  assert.match(inside(namespace, "ip", "route"), /default via \S+ dev eth0/);
  assert.match(inside(namespace, "ip", "-6", "route"), /default via \S+ dev eth0/);
  assert.deepEqual(sandbox.info().gateway, { ipv4: endpoint.id, ipv6: endpoint.id });
  await assert.rejects(network.delete(), { code: "in-use" });
  await assert.rejects(endpoint.delete(), { code: "in-use" });
  await endpoint.leave();
  await controller.settle();
  assert.equal(inside(namespace, "ip", "-br", "link").trim().split("\n").length, 1);
  await endpoint.delete();
  await sandbox.delete();
  assert.ok(!existsSync(namespace));
  await network.delete();
  await controller.settle();
  assert.equal(hostState(), before);
});

test("two sandboxes of a network reach each other and the gateway", async (t) => {
  const controller = await controllerFor(t, directories(t));
  const network = await controller.createNetwork({ name: "front", enableIpv6: true });
  const [one, two] = [await controller.createSandbox({ name: "one" }), await controller.createSandbox({ name: "two" })];
  await controller.connect(network, one);
  const other = (await controller.connect(network, two)).info();
  for (const address of [other.ipv4, other.ipv6]) {
    assert.ok(address);
    inside(one.info().namespace, "ping", "-c1", "-W5", address.slice(0, address.indexOf("/")));
  }
});

test("the default route goes by the highest priority, then by the first network by name", async (t) => {
  const controller = await controllerFor(t, directories(t));
  const sandbox = await controller.createSandbox({ name: "box" });
  const [a, b, c] = [
    await controller.createNetwork({ name: "a" }),
    await controller.createNetwork({ name: "b" }),
    await controller.createNetwork({ name: "c" }),
  ];
  const { namespace } = sandbox.info();
  const link = () => /default via \S+ dev (\S+)/.exec(inside(namespace, "ip", "route"))?.[1];
  await controller.connect(b, sandbox);
  assert.equal(link(), "eth0");
  const first = await controller.connect(a, sandbox);
  assert.equal(link(), "eth1");
  await controller.connect(c, sandbox, { gatewayPriority: 7 });
  assert.equal(link(), "eth2");
  await controller.disconnect(controller.endpoint(sandbox.info().gateway.ipv4 ?? ""));
  assert.equal(link(), "eth1");
  await controller.disconnect(first);
  assert.equal(link(), "eth0");
});

test("the predefined bridge is made with its first endpoint and goes with its last", async (t) => {
  const before = hostState();
  const controller = await controllerFor(t, directories(t));
  const sandbox = await controller.createSandbox({ name: "box" });
  const endpoint = await controller.connect(controller.network("bridge"), sandbox);
  assert.match(exec("ip", "-br", "link"), /portolan0/);
  await controller.disconnect(endpoint);
  await sandbox.delete();
  await controller.settle();
  assert.equal(hostState(), before);
  await assert.rejects(controller.network("bridge").delete(), { code: "forbidden" });
});

test("a second start changes nothing and knows everything", async (t) => {
  const where = directories(t);
  const first = await controllerFor(t, where);
  const network = await first.createNetwork({ name: "front", labels: { tier: "1" } });
  const sandbox = await first.createSandbox({ name: "web" });
  await first.connect(network, sandbox);
  const told = [first.networks(), first.sandboxes()];
  const { namespace } = sandbox.info();
  await first.close();
  const state = () =>
    hostState() + inside(namespace, "ip", "address") + exec("nft", "list", "table", "inet", "portolan");
  const before = state();
  const second = await controllerFor(t, where);
  assert.equal(state(), before);
  assert.deepEqual([second.networks(), second.sandboxes()], told);
  assert.deepEqual((await second.reconcile()).plan, []);
  await second.sandbox("web").delete();
  await second.network("front").delete();
});

test("a dry run changes nothing and gives nothing out", async (t) => {
  const before = hostState();
  const controller = await controllerFor(t, directories(t));
  const made = await controller.createNetwork({ name: "front" }, { dryRun: true });
  assert.equal(made.info().name, "front");
  assert.equal(hostState(), before);
  assert.throws(() => controller.network("front"), { code: "not-found" });
  const real = await controller.createNetwork({ name: "front" });
  await real.delete();
});
