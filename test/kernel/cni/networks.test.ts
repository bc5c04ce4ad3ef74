/** The plugin type `portolan`: containers in networks of the engine's own, with names, ports and whatever else these have; and links of others' that are lent or let through. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answer } from "../../../src/cni/plugin/answer.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { ask, told } from "../../support/dns-client.ts";
import { startPeer } from "../../support/peers.ts";
import { enterTestHost, exec, run, snapshot } from "../../support/test-host.ts";

enterTestHost();

let controller: NetworkController;
before(async () => {
  controller = await createController();
});
after(() => controller.close());

interface Call {
  readonly ifname?: string;
  readonly netns?: string;
  readonly args?: string;
}

/** A container's namespace. */
function container(id: string): string {
  run(`ip netns add ${id}`);
  run(`ip -n ${id} link set lo up`);
  return id;
}

/** Calls a plugin as a runtime does; what it prints. Throws where it fails. */
async function call(
  command: string,
  config: { readonly type: string } & Readonly<Record<string, unknown>>,
  id: string,
  more: Call = {},
) {
  const { status, output } = await answer(
    {
      type: config.type,
      environment: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: id,
        CNI_NETNS: more.netns ?? `/run/netns/${id}`,
        CNI_IFNAME: more.ifname ?? "eth0",
        CNI_PATH: "",
        ...(more.args !== undefined && { CNI_ARGS: more.args }),
      },
      input: JSON.stringify({ cniVersion: "1.1.0", ...config }),
    },
    controller.attachments,
  );
  const json = output === "" ? {} : JSON.parse(output);
  if (status !== 0) throw new Error(`${json.code}: ${json.msg} ${json.details ?? ""}`);
  return json;
}

const web = { name: "web", type: "portolan", ipam: { subnet: "10.61.0.0/24" } };

test("containers of a network resolve pod names and aliases, and each other's ids", async () => {
  const clean = snapshot();
  const [a, b] = [container("a"), container("b")];
  const result = await call("ADD", { ...web, runtimeConfig: { aliases: { web: ["api"] } } }, a, {
    args: "IgnoreUnknown=1;K8S_POD_NAME=pod1",
  });
  assert.deepEqual(result.dns, { nameservers: ["127.0.0.11"] });
  assert.deepEqual(result.ips, [{ address: "10.61.0.2/24", gateway: "10.61.0.1", interface: 2 }]);
  await call("ADD", web, b);
  for (const name of ["api", "pod1", "a"])
    assert.equal(told(await ask(name, "A", { namespace: `/run/netns/${b}` })), "NOERROR 10.61.0.2", name);
  assert.deepEqual(
    controller.networks({ name: ["web"] }).map(({ driver, endpoints }) => [driver, endpoints.length]),
    [["bridge", 2]],
  );
  await call("CHECK", { ...web, prevResult: result }, a);
  for (const id of [a, b]) await call("DEL", web, id, { netns: "" });
  await controller.settle();
  assert.deepEqual(controller.networks({ name: ["web"] }), []);
  assert.deepEqual(controller.sandboxes(), []);
  for (const id of [a, b]) run(`ip netns delete ${id}`);
  assert.deepEqual(snapshot(), clean);
});

test("ports are published, and the next network of a container has them when the first goes", async () => {
  const id = container("c");
  const runtimeConfig = { portMappings: [{ hostPort: 8070, containerPort: 80, protocol: "tcp" }] };
  const [one, two] = [
    { ...web, name: "one", runtimeConfig },
    { ...web, name: "two", ipam: { subnet: "10.62.0.0/24" }, runtimeConfig },
  ];
  await call("ADD", one, id);
  await call("ADD", two, id, { ifname: "eth1" });
  const [server, host] = [startPeer("server", `/run/netns/${id}`), startPeer("host", "host")];
  try {
    await server.serve(80);
    assert.match((await host.ask("tcp", "10.61.0.1", 8070)) ?? "", /^server 80 /);
    await call("DEL", one, id);
    assert.match((await host.ask("tcp", "10.62.0.1", 8070)) ?? "", /^server 80 /);
    assert.deepEqual(
      controller.endpoints().map(({ ports }) => ports.length),
      [1],
    );
  } finally {
    await Promise.all([server.stop(), host.stop()]);
  }
  await call("DEL", two, id, { ifname: "eth1" });
  assert.deepEqual(await controller.ports(), []);
  run(`ip netns delete ${id}`);
});

test("a network that somebody made stays, and one of another driver is refused", async () => {
  const network = await controller.createNetwork({ name: "kept", ipam: { pools: [{ subnet: "10.63.0.0/24" }] } });
  const id = container("d");
  await assert.rejects(call("ADD", { ...web, name: "kept", driver: "macvlan" }, id), /driver bridge/);
  await call("ADD", { name: "kept", type: "portolan" }, id);
  await call("DEL", { name: "kept", type: "portolan" }, id);
  assert.equal(network.info().endpoints.length, 0);
  await network.delete();
  run(`ip netns delete ${id}`);
});

test("STATUS tells of a driver that there is none of", async () => {
  await assert.rejects(call("STATUS", { ...web, driver: "carrier-pigeon" }, "e"), /^Error: 50: /);
});

test("containers pass a FORWARD chain that drops what nobody accepts, and the chain is as it was afterwards", async () => {
  const id = container("f");
  exec("iptables", "-P", "FORWARD", "DROP");
  const rules = exec("iptables", "-S", "FORWARD");
  const bridge = {
    name: "fw",
    type: "bridge",
    bridge: "fw0",
    isGateway: true,
    ipam: { type: "host-local", subnet: "10.64.0.0/24" },
  };
  const prevResult = await call("ADD", bridge, id);
  const firewall = { name: "fw", type: "firewall", prevResult };
  await call("ADD", firewall, id);
  assert.equal(
    exec("iptables", "-S", "FORWARD")
      .split("\n")
      .filter((line) => line.includes("fw0")).length,
    2,
  );
  await call("CHECK", firewall, id);
  exec("iptables", "-F", "FORWARD");
  await assert.rejects(call("CHECK", firewall, id), /passage/);
  await controller.reconcile();
  await call("CHECK", firewall, id);
  await call("DEL", firewall, id);
  await call("DEL", bridge, id);
  assert.equal(exec("iptables", "-S", "FORWARD"), rules);
  run(`ip netns delete ${id}`);
});

test("a container that comes back under its id without DEL is attached anew, with an address", async () => {
  const bridge = {
    name: "back",
    type: "bridge",
    bridge: "back0",
    isGateway: true,
    ipam: { type: "host-local", subnet: "10.66.0.0/24", rangeStart: "10.66.0.9", rangeEnd: "10.66.0.9" },
  };
  for (const namespace of ["g1", "g2"]) {
    container(namespace);
    const { ips } = await call("ADD", bridge, "g", { netns: `/run/netns/${namespace}` });
    assert.equal(ips[0].address, "10.66.0.9/24");
    run(`ip netns delete ${namespace}`);
  }
  await call("DEL", bridge, "g", { netns: "" });
  assert.deepEqual(controller.endpoints(), []);
});
